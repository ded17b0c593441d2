"""What was asked and refused at the door, kept in the log of all that was asked."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, now
from common.tables import Prediction, State

# Built once: making a statement costs as much as sending it.
ENTER = insert(Prediction).values(
    state=State.FAILED,
    params={},
    started_at=now(),
    finished_at=now(),
    deadline_at=now(),
)


def note_refused(
    session: Session, owner_id: UUID, task: str, file_name: str, code: str, detail: str
) -> UUID:
    """Write a row that has failed already, with the reason and no image; returns its id."""
    id = new_id()
    error = {"error_code": code[:64], "error_detail": detail}
    row = {"id": id, "owner_id": owner_id, "task": task, "metadata": {"file_name": file_name}}
    execute(session, ENTER, row | error)
    return id
