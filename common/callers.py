"""Who asks, and what they may see."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, or_, true

from common.tables import Image, Role, Visibility


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that has proved itself, with its role as the database has it; or ANONYMOUS."""

    id: UUID | None
    name: str = ""
    role: str = Role.USER

    @property
    def is_admin(self) -> bool:
        """Whether they may see and do everything."""
        return self.role == Role.ADMIN

    @property
    def is_ml(self) -> bool:
        """Whether they may see what people search and vote for; admins may."""
        return self.role in (Role.ML, Role.ADMIN)


ANONYMOUS = Caller(None)


def may_see(caller: Caller, image: Image | Row[Any]) -> bool:
    """Whether `caller`, who has the image's id, may see it and its predictions."""
    if image.visibility != Visibility.PRIVATE or image.posts or caller.is_admin:
        return True
    return is_owner(caller, image)


def may_change(caller: Caller, image: Image | Row[Any]) -> bool:
    """Whether the image is theirs to change or delete. Nobody's are the admins'."""
    return caller.is_admin or is_owner(caller, image)


def is_owner(caller: Caller, image: Image | Row[Any]) -> bool:
    """Whether the image is the caller's own."""
    return caller.id is not None and image.owner_id == caller.id


def listed_for(caller: Caller) -> ColumnElement[bool]:
    """Of `images`: those that may stand in `caller`'s lists and results, which are everyone's
    public ones and their own. Unlisted ones of others are for those who have the id.
    """
    if caller.is_admin:
        return true()
    public = or_(Image.visibility == Visibility.PUBLIC, Image.posts > 0)
    return or_(public, Image.owner_id == caller.id) if caller.id else public
