"""An image that is there already: sent again by its owner, asked more of, changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.search.outbox import note_changed
from common.tables import Image

# Built once: making a statement costs as much as sending it.
_IT = Image.id == bindparam("image", type_=Id)
_OWNERS = Image.owner_id == bindparam("owner", type_=Id)
_ROW = select(Image.id, Image.owner_id, Image.sha256, Image.visibility, Image.posts)
OWN = _ROW.where(_OWNERS, Image.sha256 == bindparam("sha256")).with_for_update()
HELD = _ROW.where(_IT).with_for_update(read=True)
SHOW = update(Image).where(_IT).values(visibility=bindparam("wanted"))
RENAME = update(Image).where(_IT).values(file_name=bindparam("wanted"))


def find_own(session: Session, owner_id: UUID, sha256: bytes) -> Row[Any] | None:
    """The owner's image of these bytes, locked. The caller holds the object: whoever else uploads
    or deletes these bytes waits.
    """
    return execute(session, OWN, {"owner": owner_id, "sha256": sha256}).first()


def hold(session: Session, id: UUID) -> Row[Any] | None:
    """The image as it is and stays until COMMIT; None when there is none any more."""
    return execute(session, HELD, {"image": id}).first()


def set_visibility(session: Session, id: UUID, visibility: str) -> bool:
    """Change who may see the image and the predictions made of it; False when there is no such
    image. It is one row, however many predictions there are: they are seen through their image.
    """
    is_there = bool(execute(session, SHOW, {"image": id, "wanted": visibility}).rowcount)
    if is_there:
        note_changed(session, [id])
    return is_there


def rename(session: Session, id: UUID, file_name: str) -> bool:
    """Give the image another file name, a clean one; False when there is no such image."""
    is_there = bool(execute(session, RENAME, {"image": id, "wanted": file_name}).rowcount)
    if is_there:
        note_changed(session, [id])
    return is_there
