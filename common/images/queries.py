"""An owner's images: page by page, and which of many files are among them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.tables import Image, StoredObject

# Built once: making a statement costs as much as sending it.
_OWNERS = Image.owner_id == bindparam("owner", type_=Id)
PAGE = (
    select(
        Image.id, Image.sha256, Image.file_name, Image.width, Image.height, Image.visibility,
        Image.created_at, StoredObject.media_type, StoredObject.size,
    )
    # Left to themselves, MariaDB and MySQL may walk the primary key past everybody's images.
    .with_hint(Image, "FORCE INDEX (ix_images_owner_id)", "mysql")
    .join(StoredObject, StoredObject.sha256 == Image.sha256)
    .where(_OWNERS, Image.id < bindparam("before", type_=Id))
    .order_by(Image.id.desc())
    .limit(bindparam("most"))
)  # fmt: skip
KNOWN = select(Image.sha256, Image.id).where(
    _OWNERS, Image.sha256.in_(bindparam("digests", expanding=True))
)


def page(session: Session, owner_id: UUID, before: UUID, most: int) -> Sequence[Row[Any]]:
    """Up to `most` of the owner's images that are older than `before`, the newest first, each with
    the media type and size of its bytes.
    """
    return execute(session, PAGE, {"owner": owner_id, "before": before, "most": most}).all()


def known(session: Session, owner_id: UUID, digests: Sequence[bytes]) -> dict[bytes, UUID]:
    """Of these sha256, those that the owner has an image of, and which."""
    rows = execute(session, KNOWN, {"owner": owner_id, "digests": digests}) if digests else ()
    return {row.sha256: row.id for row in rows}
