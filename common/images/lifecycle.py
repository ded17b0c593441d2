"""Existing images: uploaded again by their owner, locked for new predictions, changed."""

from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from common.callers import ImageAccess
from common.database.rows import first_as
from common.database.session import execute
from common.database.types import Id
from common.search.outbox import note_changed
from common.tables import Image

# Both run for each upload or prediction of an existing image.
_ROW = select(Image.id, Image.owner_id, Image.sha256, Image.visibility, Image.posts)
OWN = _ROW.where(
    Image.owner_id == bindparam("owner", type_=Id), Image.sha256 == bindparam("sha256")
).with_for_update()
LOCKED = _ROW.where(Image.id == bindparam("image", type_=Id)).with_for_update(read=True)


def lock_own(session: Session, owner_id: UUID, sha256: bytes) -> ImageAccess | None:
    """Lock and return the owner's existing image with these bytes; None if it does not
    exist.

    The caller must hold the lock of the object, so that other uploads and deletions of the bytes
    wait.
    """
    return first_as(ImageAccess, execute(session, OWN, {"owner": owner_id, "sha256": sha256}))


def lock_shared(session: Session, id: UUID) -> ImageAccess | None:
    """Lock the image, so that it cannot change before COMMIT, and return it; None if it does not
    exist.
    """
    return first_as(ImageAccess, execute(session, LOCKED, {"image": id}))


def set_visibility(session: Session, id: UUID, visibility: str) -> bool:
    """Change who may see the image and thereby its predictions; False if it does not exist."""
    return _change(session, id, visibility=visibility)


def rename(session: Session, id: UUID, file_name: str) -> bool:
    """Change the image's file name, which must be clean already; False if it does not exist."""
    return _change(session, id, file_name=file_name)


def _change(session: Session, id: UUID, **values: str) -> bool:
    exists = bool(execute(session, update(Image).where(Image.id == id).values(values)).rowcount)
    if exists:
        note_changed(session, [id])
    return exists
