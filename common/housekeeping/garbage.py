"""Objects in the store that no row refers to, and the removal of their bytes.

An upload puts its bytes before it writes the row, so an object without a row is either an upload
under way or what a crash left behind; after ORPHANED seconds it is the latter.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.storage import Storage, digest_of, object_key
from common.storage import StoredObject as Entry
from common.tables import StoredObject
from common.tasks.thumbnail import SIZES, digest_of_thumbnail, thumbnail_key

ORPHANED = 24 * 3600  # seconds
KEYS_KEPT = 24 * 3600  # seconds after which an idempotency key counts as unknown
TOMBSTONE = 600  # seconds: longer than any upload takes from its put to its COMMIT
MOST_AT_ONCE = 500

_THESE = StoredObject.sha256.in_(bindparam("these", expanding=True))
KNOWN = select(StoredObject.sha256).where(_THESE)
CONDEMN = insert_missing(StoredObject).values(state="deleting", media_type="")
CONDEMNED = select(StoredObject.sha256).where(StoredObject.state == "deleting").limit(MOST_AT_ONCE)


def orphaned_before(session: Session) -> datetime:
    """What was written to the store before this, and has no row, is an orphan."""
    return session.scalars(select(now(-ORPHANED))).one()


def orphans(session: Session, entries: Iterable[Entry], before: datetime) -> dict[bytes, int]:
    """The objects, and thumbnails of objects, that have no row and were last written `before`:
    digest -> size.
    """
    old: dict[bytes, int] = {}
    for entry in entries:
        if entry.modified_at < before and (digest := _digest_of(entry.key)):
            old[digest] = entry.size
    known = {row.sha256 for row in execute(session, KNOWN, {"these": list(old)})} if old else set()
    return {digest: size for digest, size in old.items() if digest not in known}


def _digest_of(key: str) -> bytes | None:
    return digest_of(key) or digest_of_thumbnail(key)


def condemn(session: Session, found: dict[bytes, int]) -> None:
    """Give orphans a row that says "deleting": from its COMMIT on no upload can rely on them."""
    if found:
        rows = [{"sha256": digest, "size": size} for digest, size in found.items()]
        execute(session, CONDEMN, rows)


def condemned(session: Session) -> Sequence[bytes]:
    """Objects whose bytes are to go."""
    return [row.sha256 for row in execute(session, CONDEMNED)]


def hold_condemned(session: Session, digest: bytes) -> bool:
    """Lock the row of an object that is still to go; False when an upload has saved it."""
    row = select(StoredObject.state).where(StoredObject.sha256 == digest).with_for_update()
    return session.scalar(row) == "deleting"


def bury(session: Session, digest: bytes) -> None:
    """The bytes are gone; call it under the lock of `hold_condemned`."""
    gone = update(StoredObject).where(StoredObject.sha256 == digest)
    execute(session, gone.values(state="deleted", created_at=now()))


def clear_away(session: Session, storage: Storage, digest: bytes) -> None:
    """Delete the bytes of a condemned object and their thumbnails, under its row's lock; those that
    an upload has saved stay. Raises Unavailable when the store does not answer.
    """
    # Deleting twice does no harm, so the transaction may be run again.
    if hold_condemned(session, digest):
        storage.delete(object_key(digest))
        for size in SIZES:
            storage.delete(thumbnail_key(digest, size))
        bury(session, digest)
