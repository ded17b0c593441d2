"""Cancel a prediction, or retry a final one."""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, case, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.errors import Conflict
from common.predictions.completion import note_final
from common.predictions.constants import ANNOUNCE_GRACE, CANCELED
from common.tables import Prediction, State

_p = Prediction
_IT = _p.id == bindparam("key")
_THEM = _p.id.in_(bindparam("ids", expanding=True))
_IS_QUEUED = _p.state == State.QUEUED
# The order matters: MySQL assigns from left to right, and all columns must see the old state.
_CANCEL = (
    update(_p)
    .where(_p.state.in_([State.QUEUED, State.PROCESSING]))
    .ordered_values(
        (_p.cancel_requested, True),
        (_p.error_code, case((_IS_QUEUED, CANCELED["error_code"]), else_=_p.error_code)),
        (_p.error_detail, case((_IS_QUEUED, CANCELED["error_detail"]), else_=_p.error_detail)),
        (_p.finished_at, case((_IS_QUEUED, now()), else_=_p.finished_at)),
        (_p.check_at, case((_IS_QUEUED, None), else_=_p.check_at)),
        (_p.state, case((_IS_QUEUED, CANCELED["state"]), else_=_p.state)),
    )
)
# `attempts` is kept: it is the fencing token, and an engine may still hold an earlier one.
_RETRY = (
    update(_p)
    .where(_p.state.in_([State.FAILED, State.CANCELED, State.EXPIRED]))
    .values(
        state=State.QUEUED,
        failures=0,
        lost_claims=0,
        error_code=None,
        error_detail=None,
        cancel_requested=False,
        interactive=False,  # no request waits for it
        lease_owner=None,
        lease_until=None,
        next_attempt_at=now(),
        check_at=now(ANNOUNCE_GRACE),
        announced_at=None,
        started_at=None,
        finished_at=None,
        deadline_at=now(bindparam("deadline", type_=BigInteger)),
    )
)
CANCEL, CANCEL_MANY = _CANCEL.where(_IT), _CANCEL.where(_THEM)
RETRY, RETRY_MANY = _RETRY.where(_IT), _RETRY.where(_THEM)
STATE = select(_p.state).where(_IT)


def cancel(session: Session, id: UUID) -> bool:
    """Cancel a queued prediction; mark one that is being processed, so that `finish` cancels it.
    Returns whether this call made it `canceled`; a final prediction does not change.
    """
    changed = execute(session, CANCEL, {"key": id}).rowcount
    is_canceled = bool(changed) and _state(session, id) == State.CANCELED
    if is_canceled:
        note_final(session, [id])
    return is_canceled


def retry(session: Session, id: UUID, deadline: float) -> bool:
    """Queue a failed, canceled or expired prediction again, to finish within `deadline` seconds.

    Returns whether this call queued it, so that the caller must announce it; a prediction that is
    not final does not change. Raises Conflict if it has succeeded.
    """
    parameters = {"key": id, "deadline": round(deadline * 1e6)}
    if execute(session, RETRY, parameters).rowcount:
        return True
    if _state(session, id) == State.SUCCEEDED:
        raise Conflict(
            "The prediction has succeeded, so it cannot be retried.", code="not_retryable"
        )
    return False


def _state(session: Session, id: UUID) -> str | None:
    state: str | None = execute(session, STATE, {"key": id}).scalar()
    return state
