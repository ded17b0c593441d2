"""Orphaned objects: objects in the store without a row, and the deletion of their bytes.

An upload stores its bytes before it inserts the row. So an object without a row belongs to an
upload in progress or was left by a crash; after ORPHANED seconds it counts as left.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing, now
from common.storage import Storage, digest_of, object_key
from common.storage import StoredObject as Entry
from common.tables import StoredObject
from common.tasks.thumbnail import digest_of_thumbnail, thumbnail_keys

ORPHANED = 24 * 3600  # seconds
KEYS_KEPT = 24 * 3600  # seconds after which an idempotency key counts as unknown
TOMBSTONE = 600  # seconds; longer than any upload takes from storing its bytes to its COMMIT
MOST_AT_ONCE = 500


def orphaned_before(session: Session) -> datetime:
    """Return the time before which an object without a row was written if it is an orphan."""
    return session.scalars(select(now(-ORPHANED))).one()


def orphans(session: Session, entries: Iterable[Entry], before: datetime) -> dict[bytes, int]:
    """Return digest -> size of the objects, and objects of thumbnails, that have no row and were
    last written before the time `before`.
    """
    old: dict[bytes, int] = {}
    for entry in entries:
        if entry.modified_at < before and (digest := _digest_of(entry.key)):
            old[digest] = entry.size
    if not old:
        return {}
    known = execute(session, select(StoredObject.sha256).where(StoredObject.sha256.in_(old)))
    with_row = {row.sha256 for row in known}
    return {digest: size for digest, size in old.items() if digest not in with_row}


def _digest_of(key: str) -> bytes | None:
    return digest_of(key) or digest_of_thumbnail(key)


def condemn(session: Session, sizes: dict[bytes, int]) -> None:
    """Insert rows in the state `deleting` for orphans (digest -> size), so that after the COMMIT no
    upload relies on their bytes.
    """
    if sizes:
        statement = insert_missing(StoredObject).values(state="deleting", media_type="")
        execute(session, statement, [{"sha256": each, "size": sizes[each]} for each in sizes])


def condemned(session: Session) -> Sequence[bytes]:
    """Return the digests of up to MOST_AT_ONCE objects in the state `deleting`."""
    statement = select(StoredObject.sha256).where(StoredObject.state == "deleting")
    return [row.sha256 for row in execute(session, statement.limit(MOST_AT_ONCE))]


def lock_condemned(session: Session, digest: bytes) -> bool:
    """Lock the object's row; returns whether it is still in the state `deleting`, to which an
    upload of the same bytes puts an end.
    """
    row = select(StoredObject.state).where(StoredObject.sha256 == digest).with_for_update()
    return session.scalar(row) == "deleting"


def mark_deleted(session: Session, digest: bytes) -> None:
    """Set the state `deleted`; call it under the lock of `lock_condemned`, after the deletion."""
    row = update(StoredObject).where(StoredObject.sha256 == digest)
    execute(session, row.values(state="deleted", created_at=now()))


def delete_object(session: Session, storage: Storage, digest: bytes) -> None:
    """Delete the bytes and thumbnails of an object in the state `deleting`, while its row is
    locked. An object that was uploaded again is kept. Raises Unavailable if the store does not
    answer.
    """
    # Deleting twice is harmless, so the transaction may run again.
    if lock_condemned(session, digest):
        storage.delete(object_key(digest))
        for key in thumbnail_keys(digest):
            storage.delete(key)
        mark_deleted(session, digest)
