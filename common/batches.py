"""Batches: many predictions that are created at once, and the items that were rejected.

Functions take the session first and never commit. The status of an item is its prediction's, or
`rejected` if it has no prediction.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.orm import Session

from common.callers import AnyImage, Caller, ImageAccess, may_see
from common.database.rows import first_as, rows_as
from common.database.session import clock, execute
from common.database.types import Id
from common.predictions import TaskRequest, create_all
from common.predictions.cancel import CANCEL_MANY, RETRY_MANY
from common.predictions.open_limits import CROWDED, room
from common.tables import Batch, BatchItem, Image, Prediction, State, Visibility
from common.tasks import contract

MOST_ITEMS = 1_000
REJECTED = "rejected"
STATUSES = (*map(str, State), REJECTED)


Fault = tuple[str, str]  # code and detail of an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item to create: the `request` for `image_id`, or a `fault`."""

    custom_id: str | None = None
    task: str | None = None
    image_id: UUID | None = None
    request: TaskRequest | None = None
    fault: Fault | None = None


class BatchRecord(NamedTuple):
    """A row of `batches`."""

    id: UUID
    owner_id: UUID | None  # None: an anonymous caller
    total: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """An item of a batch, its status, and why it failed or was rejected."""

    position: int
    custom_id: str | None
    task: str | None
    image_id: UUID | None
    prediction_id: UUID | None
    status: str
    error_code: str | None
    error_detail: str | None
    # Read with the results only; `owner_id` is the image's owner.
    params: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    owner_id: UUID | None = None
    visibility: str = Visibility.PRIVATE
    posts: int = 0


NO_IMAGE = ("image_not_found", "There is no such image.")

_i, _p = BatchItem, Prediction
INSERT = insert(Batch)
INSERT_ITEMS = insert(_i)
# Locked, so that their visibility cannot change before COMMIT.
IMAGES = (
    select(Image.id, Image.owner_id, Image.sha256, Image.visibility, Image.posts)
    .where(Image.id.in_(bindparam("ids", expanding=True)))
    .order_by(Image.id)
    .with_for_update(read=True)
)
PIXELS = select(Image.id, Image.width, Image.height).where(
    Image.id.in_(bindparam("ids", expanding=True))
)
BATCH = select(Batch.id, Batch.owner_id, Batch.total, Batch.created_at).where(
    Batch.id == bindparam("batch")
)
LOCK = select(Batch.id).where(Batch.id == bindparam("batch")).with_for_update()
_status = func.coalesce(_p.state, REJECTED)
_OF_BATCH = _i.batch_id == bindparam("batch", type_=Id)
_MADE = _p.id == _i.prediction_id
COUNTS = (
    select(_status.label("status"), func.count().label("count"))
    .select_from(_i)
    .outerjoin(_p, _MADE)
    .where(_OF_BATCH)
    .group_by(_status)
)
ITEMS = (
    select(
        _i.position, _i.custom_id, _i.task, _i.image_id, _i.prediction_id,
        _status.label("status"),
        func.coalesce(_p.error_code, _i.error_code).label("error_code"),
        func.coalesce(_p.error_detail, _i.error_detail).label("error_detail"),
    )
    .outerjoin(_p, _MADE)
    .where(_OF_BATCH, _i.position > bindparam("after"))
    .order_by(_i.position)
    .limit(bindparam("limit"))
)  # fmt: skip
ITEMS_IN = ITEMS.where(_status == bindparam("status"))
# With the columns that `may_see` needs: the image may have become private since.
RESULTS = ITEMS.add_columns(
    _p.params, _p.result, Image.owner_id, Image.visibility, Image.posts
).outerjoin(Image, Image.id == _p.image_id)
MADE_IN = (
    select(_p.id, _p.task)
    .join(_i, _MADE)
    .where(_OF_BATCH, _p.state.in_(bindparam("states", expanding=True)))
    .order_by(_p.id)
)
CANCELED_OF = select(_p.id).where(
    _p.id.in_(bindparam("ids", expanding=True)), _p.state == State.CANCELED
)


def insert_batch(
    session: Session, id: UUID, caller: Caller, items: Sequence[Item]
) -> list[tuple[UUID, str]]:
    """Insert the caller's batch with its items and their predictions; returns (id, task) of each
    prediction, for the announcement.
    """
    images = _images(session, caller, {item.image_id for item in items if item.image_id})
    rows, requests, at = [], list[tuple[AnyImage, TaskRequest]](), clock(session)
    left = room(session, caller, images.values())
    for position, item in enumerate(items):
        image = images.get(item.image_id) if item.image_id else None
        fault = item.fault or _fault(image, left)
        request = None if fault else item.request
        rows.append(_row(id, position, item, request.id if request else None, fault))
        if request and image:
            requests.append((image, request))
    execute(session, INSERT, {"id": id, "owner_id": caller.id, "total": len(items)})
    create_all(session, requests, at)
    execute(session, INSERT_ITEMS, rows)
    return [(request.id, request.task) for _, request in requests]


def _fault(image: ImageAccess | None, left: dict[UUID, int]) -> Fault | None:
    """Why no prediction of the image can be created; None: takes one of its remaining places."""
    if image is None:
        return NO_IMAGE
    if image.id in left:
        if not left[image.id]:
            return CROWDED
        left[image.id] -= 1
    return None


def pixels_of(session: Session, images: set[UUID]) -> dict[UUID, int]:
    """By image: the number of pixels; unknown images are left out."""
    rows = execute(session, PIXELS, {"ids": sorted(images)}) if images else ()
    return {row.id: row.width * row.height for row in rows}


def _images(session: Session, caller: Caller, ids: set[UUID]) -> dict[UUID, ImageAccess]:
    """Lock the images that the caller may see."""
    if not ids:
        return {}
    images = rows_as(ImageAccess, execute(session, IMAGES, {"ids": sorted(ids)}))
    return {image.id: image for image in images if may_see(caller, image)}


def _row(
    batch: UUID, position: int, item: Item, prediction: UUID | None, fault: Fault | None
) -> dict[str, Any]:
    code, detail = fault or (None, None)
    return {
        "batch_id": batch,
        "position": position,
        "custom_id": item.custom_id,
        "task": item.task,
        "image_id": item.image_id,
        "prediction_id": prediction,
        "error_code": code,
        "error_detail": detail,
    }


def find(session: Session, id: UUID) -> BatchRecord | None:
    """The batch with this id; None if it does not exist."""
    return first_as(BatchRecord, execute(session, BATCH, {"batch": id}))


def lock(session: Session, id: UUID) -> bool:
    """Lock the batch's row, after a transaction that is inserting it; False if it is unknown."""
    return execute(session, LOCK, {"batch": id}).first() is not None


def count(session: Session, id: UUID) -> dict[str, int]:
    """The number of items by status, with one query."""
    found = {row.status: row.count for row in execute(session, COUNTS, {"batch": id}).mappings()}
    return {status: found.get(status, 0) for status in STATUSES}


def page(
    session: Session, id: UUID, after: int, limit: int, status: str | None = None
) -> list[ItemRecord]:
    """Up to `limit` items after the position `after`; with `status`, only those of it."""
    place = {"batch": id, "after": after, "limit": limit}
    if status is None:
        return rows_as(ItemRecord, execute(session, ITEMS, place))
    return rows_as(ItemRecord, execute(session, ITEMS_IN, place | {"status": status}))


def results(session: Session, id: UUID, after: int, limit: int) -> list[ItemRecord]:
    """As `page`, with the results of finished predictions and their images' columns."""
    parameters = {"batch": id, "after": after, "limit": limit}
    return rows_as(ItemRecord, execute(session, RESULTS, parameters))


def cancel(session: Session, id: UUID) -> list[UUID]:
    """Cancel the batch's queued predictions and mark those that are being processed; returns the
    canceled ones, so that the caller can wake the requests that wait for them.
    """
    ids = [key for key, _ in predictions_of(session, id, [State.QUEUED, State.PROCESSING])]
    if not ids:
        return []
    execute(session, CANCEL_MANY, {"ids": ids})
    return [row.id for row in execute(session, CANCELED_OF, {"ids": ids})]


def retry(session: Session, predictions: Iterable[tuple[UUID, str]]) -> None:
    """Queue failed or expired predictions again; the caller must announce them."""
    by_task: dict[str, list[UUID]] = {}
    for id, task in predictions:
        by_task.setdefault(task, []).append(id)
    for task, ids in by_task.items():
        deadline = round(contract(task).deadline * 1e6)
        execute(session, RETRY_MANY, {"ids": ids, "deadline": deadline})


def predictions_of(session: Session, id: UUID, states: Sequence[State]) -> list[tuple[UUID, str]]:
    """(id, task) of the batch's predictions in these states."""
    rows = execute(session, MADE_IN, {"batch": id, "states": states})
    return [(row.id, row.task) for row in rows]
