"""The predictions that the view of an image contains: the newest of each task."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, func, select, union_all
from sqlalchemy.orm import Session

from api.predictions.schemas import view
from api.state import current_user, read
from common.database.rows import rows_as
from common.database.session import execute
from common.database.types import Id
from common.predictions import PredictionRecord
from common.predictions.records import RECORDS
from common.tables import Image, Prediction
from common.tasks import contracts

FEW = 30  # up to 30 rows are read and chosen from, which is faster; most images have fewer

_p = Prediction
_OF_IMAGE = _p.image_id == bindparam("image", type_=Id)
_TASKS = list(contracts())


def _newest(task: str, *conditions: Any) -> Any:
    """The id of the newest prediction of a task, found by the end of one range of the index."""
    rows = select(_p.id).where(_OF_IMAGE, _p.task == task, *conditions)
    return rows.order_by(_p.id.desc()).limit(1).scalar_subquery()


_OWNERS = _p.owner_id.is_not_distinct_from(bindparam("owner", type_=Id))
# Prebuilt: these statements run for every view of an image.
SOME = RECORDS.where(_OF_IMAGE, _p.task.in_(_TASKS)).limit(FEW + 1)
# A derived table: for `id = (SELECT …) OR …` MySQL would scan all predictions.
_ids = union_all(
    *(select(func.coalesce(_newest(task, _OWNERS), _newest(task)).label("id")) for task in _TASKS)
).subquery()
NEWEST = RECORDS.join(_ids, _p.id == _ids.c.id)


def newest_views(image: Image) -> list[dict[str, Any]]:
    """The newest prediction of each task as `PredictionView`, ordered by creation.

    Predictions of the owner go first: other callers cannot displace them with newer ones.
    """
    records = read(lambda session: _records(session, image))
    return [view(each, current_user()) for each in sorted(records, key=lambda each: each.id)]


def _records(session: Session, image: Image) -> Iterable[PredictionRecord]:
    some = rows_as(PredictionRecord, execute(session, SOME, {"image": image.id}))
    if len(some) > FEW:
        parameters = {"image": image.id, "owner": image.owner_id}
        return rows_as(PredictionRecord, execute(session, NEWEST, parameters))
    by_rank = sorted(some, key=lambda row: (row.owner_id == image.owner_id, row.id))
    return {row.task: row for row in by_rank}.values()
