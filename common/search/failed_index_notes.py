"""Index notes that failed: tried again later, or removed once a newer note did their work."""

from sqlalchemy import and_, delete, exists, or_, select
from sqlalchemy.orm import Session, aliased

from common.database.session import execute, now
from common.predictions.cancel import RETRY_MANY
from common.tables import Prediction, State
from common.tasks.index import CONTRACT

MOST_AT_ONCE = 500
# Attempts that a note has had, and seconds to wait after its failure before the next life: what
# keeps failing, or brings engines down, is tried once a day.
PAUSES = ((10, 60), (30, 3600), (1_000_000, 24 * 3600))

_note, _other = aliased(Prediction), aliased(Prediction)
_IS_DUE = or_(*(and_(_note.attempts <= most, _note.finished_at < now(-s)) for most, s in PAUSES))
_IS_DONE = exists().where(
    _other.image_id == _note.image_id,
    _other.task == CONTRACT.name,
    or_(
        _other.state.in_([State.QUEUED, State.PROCESSING]),
        and_(_other.state == State.SUCCEEDED, _other.started_at > _note.finished_at),
    ),
)
FAILED = (
    select(_note.id, _IS_DONE.label("is_done"))
    .where(
        _note.task == CONTRACT.name,
        _note.interactive.is_(False),
        _note.state.in_([State.FAILED, State.EXPIRED]),
        _IS_DUE,
    )
    .limit(MOST_AT_ONCE)
)


def retry_failed(session: Session) -> int:
    """Queue the failed notes that are due again, and remove those that a newer one replaced;
    returns how many it dealt with.
    """
    rows = execute(session, FAILED).all()
    done = [row.id for row in rows if row.is_done]
    again = [row.id for row in rows if not row.is_done]
    if done:
        execute(session, delete(Prediction).where(Prediction.id.in_(done)))
    if again:
        deadline = round(CONTRACT.deadline * 1e6)
        execute(session, RETRY_MANY, {"ids": again, "deadline": deadline})
    return len(rows)
