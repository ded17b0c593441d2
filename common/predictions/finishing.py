"""Write what a worker found, for what is still the worker's: one transaction a batch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import case, literal, select, update
from sqlalchemy.orm import Session

from common.columns import Id
from common.db import execute, now
from common.predictions.claiming import Job
from common.predictions.rules import MOST_FAILURES, backoff
from common.tables import Prediction, State


@dataclass(frozen=True, slots=True)
class Success:
    """A result, as the task's contract describes it; `timings` in seconds."""

    job: Job
    result: dict[str, Any]
    model: dict[str, Any]
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """The input's fault, or a fault that no retry mends: final."""

    job: Job
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Our own fault or a dependency's: again later, unless it has failed too often."""

    job: Job
    code: str
    detail: str


Outcome = Success | Failure | Retry


def finish(session: Session, outcomes: Sequence[Outcome]) -> list[UUID]:
    """Write the outcomes whose job is still held; returns the ids that reached a final state.

    A job that was taken over meanwhile (its row's `attempts` moved on) is dropped: its new holder
    writes the result.
    """
    mine = _still_mine(session, [outcome.job for outcome in outcomes])
    kept = [outcome for outcome in outcomes if outcome.job.id in mine]
    successes = [outcome for outcome in kept if isinstance(outcome, Success)]
    if successes:
        _succeed(session, successes)
    final = [outcome.job.id for outcome in successes]
    for outcome in kept:
        if isinstance(outcome, Failure):
            _fail(session, outcome.job.id, outcome.code, outcome.detail)
            final.append(outcome.job.id)
        elif isinstance(outcome, Retry) and _retry(session, outcome):
            final.append(outcome.job.id)
    return final


def _still_mine(session: Session, jobs: Iterable[Job]) -> set[UUID]:
    attempts = {job.id: job.attempt for job in jobs}
    rows = execute(
        session,
        select(Prediction.id, Prediction.attempts)
        .where(Prediction.id.in_(sorted(attempts)), Prediction.state == State.PROCESSING)
        .with_for_update(),
    )
    return {row.id for row in rows if attempts[row.id] == row.attempts}


def _succeed(session: Session, successes: Sequence[Success]) -> None:
    execute(
        session,
        update(Prediction)
        .where(Prediction.id.in_([success.job.id for success in successes]))
        .values(
            state=State.SUCCEEDED,
            result=_by_id({s.job.id: s.result for s in successes}, Prediction.result),
            model=_by_id({s.job.id: s.model for s in successes}, Prediction.model),
            timings=_by_id({s.job.id: s.timings for s in successes}, Prediction.timings),
            **_released(),
        ),
    )


def _by_id(values: dict[UUID, Any], column: Any) -> Any:
    """CASE id WHEN … THEN …: one UPDATE writes many rows, ten times as fast as one UPDATE each."""
    whens = {literal(id, Id): literal(value, column.type) for id, value in values.items()}
    return case(whens, value=Prediction.id)


def _fail(session: Session, id: UUID, code: str, detail: str, failures: int = 0) -> None:
    execute(
        session,
        update(Prediction)
        .where(Prediction.id == id)
        .values(
            state=State.FAILED,
            error_code=code,
            error_detail=detail,
            failures=Prediction.failures + failures,
            **_released(),
        ),
    )


def _released() -> dict[str, Any]:
    """The columns of a row that reached its final state."""
    return {"finished_at": now(), "check_at": None, "lease_owner": None, "lease_until": None}


def _retry(session: Session, outcome: Retry) -> bool:
    """Back into the queue, to be announced when its time has come; True when that was the last."""
    failures = outcome.job.failures + 1
    if failures >= MOST_FAILURES:
        _fail(session, outcome.job.id, outcome.code, outcome.detail, failures=1)
        return True
    due = now(backoff(failures))
    execute(
        session,
        update(Prediction)
        .where(Prediction.id == outcome.job.id)
        .values(
            state=State.QUEUED,
            failures=failures,
            error_code=outcome.code,
            error_detail=outcome.detail,
            announced_at=None,
            next_attempt_at=due,
            check_at=due,
            lease_owner=None,
            lease_until=None,
        ),
    )
    return False
