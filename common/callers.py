"""Callers, and which images they may see and change."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true

from common.tables import Image, Role, Visibility


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that sends a request, with its current role; or ANONYMOUS."""

    id: UUID | None
    name: str = ""
    role: str = Role.USER

    @property
    def is_admin(self) -> bool:
        """Whether the caller may see and do everything."""
        return self.role == Role.ADMIN

    @property
    def is_ml(self) -> bool:
        """Whether the caller may see search analytics and votes; admins may."""
        return self.role in (Role.ML, Role.ADMIN)


ANONYMOUS = Caller(None)


class HasVisibility(Protocol):
    """What decides who may see an image: an Image, an ImageAccess, or a row that joins one."""

    @property
    def owner_id(self) -> UUID | None:
        """The owner's account; None: an anonymous caller."""

    @property
    def visibility(self) -> str:
        """A value of Visibility."""

    @property
    def posts(self) -> int:
        """The number of posts that show the image."""


class ImageAccess(NamedTuple):
    """The columns of an image that uploads, batches and predictions read under a lock."""

    id: UUID
    owner_id: UUID | None
    sha256: bytes
    visibility: str
    posts: int


class AnyImage(HasVisibility, Protocol):
    """What predictions read of their image: an Image, an ImageAccess or an image to insert."""

    @property
    def id(self) -> UUID:
        """The image's id."""

    @property
    def sha256(self) -> bytes:
        """The sha256 of its bytes."""


def may_see(caller: Caller, image: HasVisibility) -> bool:
    """Whether a caller who knows the image's id may see it and its predictions."""
    if image.visibility != Visibility.PRIVATE or image.posts or caller.is_admin:
        return True
    return is_owner(caller, image)


def may_change(caller: Caller, image: HasVisibility) -> bool:
    """Whether the caller may change or delete the image. Anonymous images belong to the admins."""
    return caller.is_admin or is_owner(caller, image)


def is_owner(caller: Caller, image: HasVisibility) -> bool:
    """Whether the caller owns the image; False for anonymous callers."""
    return caller.id is not None and image.owner_id == caller.id


def listed_for(caller: Caller) -> ColumnElement[bool]:
    """Return the SQL condition on `images` for the caller's lists and search results: public images
    and the caller's own. Unlisted images of others are visible only by their id.
    """
    if caller.is_admin:
        return true()
    public = or_(Image.visibility == Visibility.PUBLIC, Image.posts > 0)
    return or_(public, Image.owner_id == caller.id) if caller.id else public
