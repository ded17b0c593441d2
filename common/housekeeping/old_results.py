"""Predictions and images that are older than RETENTION_DAYS, found and deleted in small pieces.

Two jobs walk a table in the order of its ids, which is that of creation, and note their progress in
the transaction of each piece, so that an interrupted walk continues where it was.

- Images without an owner and a post: their finished predictions are deleted, then images without
  predictions. The walk begins again at its end, because other predictions are requested or finish
  later.
- Predictions of other images, which are kept with the predictions that their page and the search
  index show: the newest of each task. A prediction is examined once, when it exceeds the limit: it
  is deleted if it has been replaced, and so are older ones that it has replaced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from common.database.ids import FIRST_ID, smallest_id
from common.database.session import execute, now
from common.housekeeping.job_locks import note_progress, progress_of
from common.housekeeping.retention import FINAL, IS_OWED, delete_locked
from common.images.unused import IS_REQUESTED
from common.tables import Image, Prediction, State
from common.tasks import DAY, all_contracts

IMAGES, PREDICTIONS = "remove old images", "remove old predictions"  # the jobs
IMAGES_AT_ONCE, PREDICTIONS_AT_ONCE = 20, 200  # that one piece examines
MOST_DELETED = 200  # predictions that one piece deletes
# Without the hint, MariaDB and MySQL may walk the primary key past all images with an owner.
BY_OWNER = "FORCE INDEX (ix_images_owner_id)"

_i, _p, _other = Image, Prediction, aliased(Prediction)


@dataclass(frozen=True, slots=True)
class Piece:
    """The result of a transaction: how many predictions it deleted, images for which
    `remove_unused_images` must be called, and whether the walk has reached its end.
    """

    predictions: int = 0
    unused_images: Sequence[UUID] = ()
    is_last: bool = False


def remove_predictions_of_old_images(session: Session, days: int) -> Piece:
    """Delete predictions that are older than `days` days, of the next IMAGES_AT_ONCE images that
    are as old and have no owner and no post.
    """
    limit, after = _limit(session, days), progress_of(session, IMAGES)
    old_images = (
        select(_i.id)
        .with_hint(_i, BY_OWNER, "mysql")
        .where(_i.owner_id.is_(None), _i.posts == 0, _i.id > after, _i.id < smallest_id(limit))
    )
    page = _ids(session, old_images.order_by(_i.id).limit(IMAGES_AT_ONCE))
    if not page:
        note_progress(session, IMAGES, FIRST_ID)
        return Piece(is_last=True)
    deleted = _delete(session, limit, select(_p.id).where(_p.image_id.in_(page)))
    if deleted < MOST_DELETED:
        note_progress(session, IMAGES, page[-1])
    has_predictions = exists().where(_p.image_id == _i.id, IS_REQUESTED)
    unused = select(_i.id).where(_i.id.in_(page), ~has_predictions).order_by(_i.id)
    return Piece(deleted, _ids(session, unused))


def remove_old_predictions(session: Session, days: int) -> Piece:
    """Delete replaced predictions that are older than `days` days, of the images of the next
    PREDICTIONS_AT_ONCE predictions, and those of them that have no image.
    """
    limit, after = _limit(session, days), progress_of(session, PREDICTIONS)
    page = (
        select(_p.id, _p.image_id)
        .where(_p.id > after, _p.id < smallest_id(limit))
        .order_by(_p.id)
        .limit(PREDICTIONS_AT_ONCE)
    )
    rows = execute(session, page).all()
    if not rows:
        return Piece(is_last=True)
    without_image = [row.id for row in rows if row.image_id is None]
    images = sorted({row.image_id for row in rows if row.image_id is not None})
    deleted = _delete(session, limit, select(_p.id).where(_p.id.in_(without_image)))
    deleted_of_images = _delete(session, limit, _replaced(images))
    if deleted_of_images < MOST_DELETED:
        note_progress(session, PREDICTIONS, rows[-1].id)
    return Piece(deleted + deleted_of_images)


def _replaced(images: Sequence[UUID]) -> Select[Any]:
    """The query for predictions of those of `images` that are kept for which a newer prediction of
    the same task and requested model is final and at least as successful. The owner's is not
    replaced by another caller's, as on the image's page.
    """
    newer = exists().where(
        _other.image_id == _p.image_id,
        _other.task == _p.task,
        _other.id > _p.id,
        _other.wanted_model.is_not_distinct_from(_p.wanted_model),
        _rank(_other) >= _rank(_p),
        _is_owners(_other) >= _is_owners(_p),
    )
    of_kept = select(_p.id).join(_i, _i.id == _p.image_id).where(_p.image_id.in_(images))
    return of_kept.where(or_(_i.owner_id.isnot(None), _i.posts > 0), newer)


def _rank(prediction: Any) -> Any:
    by_state = {State.SUCCEEDED: 2, State.FAILED: 1, State.CANCELED: 0, State.EXPIRED: 0}
    return case(by_state, value=prediction.state, else_=-1)


def _is_owners(prediction: Any) -> Any:
    return case((prediction.owner_id == _i.owner_id, 1), else_=0)


@cache
def _tasks_with_rules() -> list[str]:
    """The tasks of which `retention.old_predictions` removes predictions."""
    return [
        name
        for name, each in all_contracts().items()
        if each.keep_succeeded is not None or each.keep_unsuccessful is not None
    ]


def _delete(session: Session, limit: datetime, candidates: Select[Any]) -> int:
    """Delete up to MOST_DELETED predictions of the query `candidates` that have been final since
    before `limit`; rows that others have locked are left. Returns the number.
    """
    is_old = and_(
        _p.task.not_in(_tasks_with_rules()),
        _p.state.in_(FINAL),
        func.coalesce(_p.finished_at, _p.created_at) < limit,
        ~IS_OWED,
    )
    ids = _ids(session, candidates.where(is_old).limit(MOST_DELETED))
    if not ids:
        return 0
    # Locked by their ids alone, so that no row besides them is locked, and checked again.
    locked = select(_p.id).where(_p.id.in_(ids), is_old).order_by(_p.id)
    ids = _ids(session, locked.with_for_update(skip_locked=True))
    delete_locked(session, ids)
    return len(ids)


def _limit(session: Session, days: int) -> datetime:
    moment: datetime = execute(session, select(now(-days * DAY))).scalar_one()
    return moment


def _ids(session: Session, statement: Any) -> list[UUID]:
    return list(execute(session, statement).scalars())
