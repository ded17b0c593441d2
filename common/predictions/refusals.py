"""Rejected uploads, kept in the list of the caller's predictions."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import execute, now
from common.tables import Prediction, State

INSERT = insert(Prediction).values(
    state=State.FAILED,
    params={},
    started_at=now(),
    finished_at=now(),
    deadline_at=now(),
)


def insert_rejected(
    session: Session, owner_id: UUID, task: str, file_name: str, code: str, detail: str
) -> UUID:
    """Insert a failed prediction without an image, with the reason; returns its id."""
    id = new_id()
    error = {"error_code": code[:64], "error_detail": detail}
    row = {"id": id, "owner_id": owner_id, "task": task, "metadata": {"file_name": file_name}}
    execute(session, INSERT, row | error)
    return id
