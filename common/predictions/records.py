"""`PredictionRecord`: a row of `predictions` as it was read, and the statement that reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from common.database.rows import first_as, rows_as
from common.database.session import execute
from common.errors import InputFault
from common.model_reference import model_reference
from common.tables import Image, Prediction, State

IMAGE_FAULT = "image_"  # the prefix of the error codes that blame the image itself

_p = Prediction
# In the order of the fields of PredictionRecord.
COLUMNS = (
    _p.id, _p.task, _p.image_id, _p.params, _p.caller_data.label("caller_data"), _p.state,
    _p.attempts, _p.model, _p.result, _p.error_code, _p.error_detail, _p.timings, _p.created_at,
    _p.started_at, _p.finished_at, _p.deadline_at, _p.interactive, _p.next_attempt_at, _p.cached,
    _p.owner_id,
)  # fmt: skip
# The columns of the image that decide who may see the prediction; NULL without an image.
IMAGE_COLUMNS = (
    Image.owner_id.label("image_owner_id"),
    Image.visibility.label("image_visibility"),
    Image.posts.label("image_posts"),
)
# Prebuilt: these statements run for every GET of a prediction and for every `finished` event.
RECORDS = select(*COLUMNS, *IMAGE_COLUMNS).outerjoin(Image, Image.id == _p.image_id)
BY_ID = RECORDS.where(_p.id == bindparam("id"))
BY_IDS = RECORDS.where(_p.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """A prediction as it was when its row was read or written."""

    id: UUID
    task: str
    image_id: UUID | None
    params: dict[str, Any]
    caller_data: dict[str, Any] | None
    state: str
    attempts: int
    model: dict[str, Any] | None
    result: dict[str, Any] | None
    error_code: str | None
    error_detail: str | None
    timings: dict[str, float] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime
    interactive: bool
    next_attempt_at: datetime | None
    cached: bool
    owner_id: UUID | None  # None: an anonymous caller
    # Of the image; None without an image, and where the statement does not read it.
    image_owner_id: UUID | None = None
    image_visibility: str | None = None
    image_posts: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether the state is final."""
        return State(self.state).is_final

    @property
    def image_fault(self) -> InputFault | None:
        """The error to answer with when the task failed because of the image; otherwise None."""
        if self.state != State.FAILED or not (self.error_code or "").startswith(IMAGE_FAULT):
            return None
        return InputFault(self.error_detail or "", code=str(self.error_code))

    @property
    def model_reference(self) -> str | None:
        """`name@version` of the model that made the result; None without a result."""
        return model_reference(self.model)


def find_record(session: Session, id: UUID) -> PredictionRecord | None:
    """The prediction with its image's columns; None if it does not exist."""
    return first_as(PredictionRecord, execute(session, BY_ID, {"id": id}))


def find_records(session: Session, ids: Sequence[UUID]) -> dict[UUID, PredictionRecord]:
    """The existing predictions among `ids`, by id, with their images' columns."""
    if not ids:
        return {}
    records = rows_as(PredictionRecord, execute(session, BY_IDS, {"ids": ids}))
    return {record.id: record for record in records}
