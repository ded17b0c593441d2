"""Failed predictions of the task `index` ("notes"): retried later, or deleted if a newer note of
the same image has succeeded or is queued.
"""

from uuid import UUID

from sqlalchemy import Select, and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from common.database.session import execute, now
from common.predictions.cancel import RETRY_MANY
from common.tables import Prediction, State
from common.tasks.index import CONTRACT

LIMIT = 500  # notes per transaction
# (attempts up to which the entry applies, seconds from the failure to the next try): a note that
# keeps failing, or that crashes engines, is retried once a day.
PAUSES = ((10, 60), (30, 3600), (1_000_000, 24 * 3600))


def retry_failed(session: Session) -> int:
    """Queue up to LIMIT failed notes whose pause is over, and delete those that a newer note
    replaces; returns the number of both.
    """
    rows = execute(session, _failed_notes()).all()
    replaced = [row.id for row in rows if row.is_replaced]
    retried = [row.id for row in rows if not row.is_replaced]
    if replaced:
        execute(session, delete(Prediction).where(Prediction.id.in_(replaced)))
    if retried:
        deadline = round(CONTRACT.deadline * 1e6)
        execute(session, RETRY_MANY, {"ids": retried, "deadline": deadline})
    return len(rows)


def _failed_notes() -> Select[UUID, bool]:
    note, other = aliased(Prediction), aliased(Prediction)
    is_due = or_(*(and_(note.attempts <= limit, note.finished_at < now(-s)) for limit, s in PAUSES))
    is_replaced = exists().where(
        other.image_id == note.image_id,
        other.task == CONTRACT.name,
        or_(
            other.state.in_([State.QUEUED, State.PROCESSING]),
            and_(other.state == State.SUCCEEDED, other.started_at > note.finished_at),
        ),
    )
    return (
        select(note.id, is_replaced.label("is_replaced"))
        .where(
            note.task == CONTRACT.name,
            note.interactive.is_(False),
            note.state.in_([State.FAILED, State.EXPIRED]),
            is_due,
        )
        .limit(LIMIT)
    )
