"""Removing images that nothing uses: without an owner, a post, and predictions that were requested.

There may be very many of them, so those to which no other row refers are removed together, with a
few statements. Locks are taken in the order of `remove_image`; rows that others have locked are
left, so nothing waits for another transaction while it holds locks.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, union, update
from sqlalchemy.orm import Session

from common.callers import ImageAccess
from common.database.rows import rows_as
from common.database.session import execute
from common.images.removal import Removed, remove_locked
from common.search.outbox import is_findable, note_deleted
from common.tables import (
    BatchItem,
    Click,
    IdempotencyKey,
    Image,
    Prediction,
    StoredObject,
    TermScore,
    Vote,
)
from common.tasks import all_contracts

IS_REQUESTED = Prediction.task.not_in([n for n, each in all_contracts().items() if each.internal])
REFERRING = (Prediction, IdempotencyKey, TermScore, Vote, Click, BatchItem)  # by `image_id`

_i, _o = Image, StoredObject


@dataclass(frozen=True, slots=True)
class RemovedImages:
    """How many images were deleted, and the sha256 of bytes that no other image has."""

    count: int = 0
    condemned: Sequence[bytes] = field(default_factory=tuple)


def remove_unused_images(session: Session, ids: Collection[UUID]) -> RemovedImages:
    """Delete those of the images that nothing uses, with all rows that refer to them."""
    rows = _lock(session, ids)
    if not rows:
        return RemovedImages()
    # With the images locked, no prediction and no post of them can be inserted.
    locked = [row.id for row in rows]
    used = _image_ids(session, [select(Prediction.image_id).where(IS_REQUESTED)], locked)
    referred = _image_ids(session, [select(each.image_id) for each in REFERRING], locked) - used
    several = [remove_locked(session, row) for row in rows if row.id in referred]
    bare = [row for row in rows if row.id not in referred | used]
    one_by_one = [each for each in several if each.is_done]
    condemned = [*_condemned(one_by_one), *_remove_bare(session, bare)]
    return RemovedImages(len(bare) + len(one_by_one), condemned)


def _lock(session: Session, ids: Collection[UUID]) -> list[ImageAccess]:
    """Lock the objects, then the images that have no owner and no post; return these."""
    if not ids:
        return []
    digests = sorted(execute(session, select(_i.sha256).where(_i.id.in_(ids)).distinct()).scalars())
    objects = select(_o.sha256).where(_o.sha256.in_(digests)).order_by(_o.sha256)
    held = set(execute(session, objects.with_for_update(skip_locked=True)).scalars())
    columns = (_i.id, _i.owner_id, _i.sha256, _i.visibility, _i.posts)
    images = select(*columns).where(_i.id.in_(ids)).order_by(_i.id)
    rows = rows_as(ImageAccess, execute(session, images.with_for_update(skip_locked=True)))
    return [row for row in rows if row.owner_id is None and not row.posts and row.sha256 in held]


def _image_ids(session: Session, queries: Iterable[Any], images: Sequence[UUID]) -> set[UUID]:
    """Return the images among `images` that one of the queries, each for a column, returns."""
    of_these = [each.where(each.selected_columns[0].in_(images)) for each in queries]
    return set(execute(session, union(*of_these)).scalars())


def _condemned(removed: Iterable[Removed]) -> list[bytes]:
    return [each.condemned for each in removed if each.condemned]


def _remove_bare(session: Session, rows: Sequence[ImageAccess]) -> list[bytes]:
    """Delete images to which no row refers, and mark their objects for deletion; return the sha256
    of objects that no other image has.
    """
    if not rows:
        return []
    note_deleted(session, [row.id for row in rows if is_findable(row)])
    execute(session, delete(_i).where(_i.id.in_([row.id for row in rows])))
    digests = {row.sha256 for row in rows}
    others = set(
        execute(session, select(_i.sha256).where(_i.sha256.in_(sorted(digests)))).scalars()
    )
    condemned = sorted(digests - others)
    ready = update(_o).where(_o.sha256.in_(condemned), _o.state == "ready")
    execute(session, ready.values(state="deleting"))
    return condemned
