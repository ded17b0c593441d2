"""What is read of the rows of predictions that are shown."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from common.db import Sessions, execute, read
from common.tables import Prediction, State

# Rows instead of objects, and statements built once: these are read for every image.
SHOWN = (
    Prediction.id, Prediction.task, Prediction.image_id, Prediction.params,
    Prediction.caller_data.label("caller_data"), Prediction.state, Prediction.attempts,
    Prediction.model, Prediction.result, Prediction.error_code, Prediction.error_detail,
    Prediction.timings, Prediction.created_at, Prediction.started_at, Prediction.finished_at,
    Prediction.deadline_at, Prediction.interactive, Prediction.next_attempt_at,
    Prediction.cached, Prediction.owner_id, Prediction.visibility,
)  # fmt: skip
BY_ID = select(*SHOWN).where(Prediction.id == bindparam("id"))
BY_IDS = select(*SHOWN).where(Prediction.id.in_(bindparam("ids", expanding=True)))

Shown = Prediction | Row[Any]  # what is shown of a prediction


def rows_of(session: Session, ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """What is shown of those of the predictions that there are."""
    return {row.id: row for row in execute(session, BY_IDS, {"ids": ids})} if ids else {}


def look_at_all(sessions: Sessions, ids: Sequence[UUID]) -> dict[UUID, Shown]:
    """The same, in a session of its own."""
    return read(sessions, lambda session: rows_of(session, ids))


def is_final(row: Shown) -> bool:
    """Whether the row will say no more than it does."""
    return State(row.state).is_final
