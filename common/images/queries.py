"""Queries for an owner's images: in pages, and by the sha256 of many files."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.images.records import StoredImage
from common.tables import Image, StoredObject

_OWNERS = Image.owner_id == bindparam("owner", type_=Id)
# Constants, because a test checks how the databases execute them.
PAGE = (
    select(
        Image.id, Image.file_name, Image.width, Image.height, Image.sha256, Image.visibility,
        Image.created_at, StoredObject.size, StoredObject.media_type,
    )
    # Without the hint, MariaDB and MySQL may walk the primary key past all owners' images.
    .with_hint(Image, "FORCE INDEX (ix_images_owner_id)", "mysql")
    .join(StoredObject, StoredObject.sha256 == Image.sha256)
    .where(_OWNERS, Image.id < bindparam("before", type_=Id))
    .order_by(Image.id.desc())
    .limit(bindparam("limit"))
)  # fmt: skip


def list_images(session: Session, owner_id: UUID, before: UUID, limit: int) -> list[StoredImage]:
    """Return up to `limit` of the owner's images with ids below `before`, the newest first, each
    with the media type and size of its bytes.
    """
    parameters = {"owner": owner_id, "before": before, "limit": limit}
    return rows_as(StoredImage, execute(session, PAGE, parameters))


def find_by_sha256(session: Session, owner_id: UUID, digests: Sequence[bytes]) -> dict[bytes, UUID]:
    """Return digest -> image id for those of the digests of which the owner has an image."""
    if not digests:
        return {}
    rows = select(Image.sha256, Image.id).where(_OWNERS, Image.sha256.in_(digests))
    return {row.sha256: row.id for row in execute(session, rows, {"owner": owner_id})}
