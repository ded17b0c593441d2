"""An owner's images: page by page, and which of many files are among them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.images.records import StoredImage
from common.tables import Image, StoredObject

# Built once: making a statement costs as much as sending it.
_OWNERS = Image.owner_id == bindparam("owner", type_=Id)
PAGE = (
    select(
        Image.id, Image.file_name, Image.width, Image.height, Image.sha256, Image.visibility,
        Image.created_at, StoredObject.size, StoredObject.media_type,
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


def page(session: Session, owner_id: UUID, before: UUID, limit: int) -> list[StoredImage]:
    """Up to `limit` of the owner's images that are older than `before`, the newest first, each with
    the media type and size of its bytes.
    """
    parameters = {"owner": owner_id, "before": before, "most": limit}
    return rows_as(StoredImage, execute(session, PAGE, parameters))


def known(session: Session, owner_id: UUID, digests: Sequence[bytes]) -> dict[bytes, UUID]:
    """Of these sha256, those that the owner has an image of, and which."""
    rows = execute(session, KNOWN, {"owner": owner_id, "digests": digests}) if digests else ()
    return {row.sha256: row.id for row in rows}
