"""Write what a worker found, for what is still the worker's: one transaction a batch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Update, bindparam, case, exists, select, update
from sqlalchemy.orm import Session, aliased

from common.database.rows import rows_as
from common.database.session import execute, now
from common.database.types import Id
from common.predictions.claim import Job
from common.predictions.completion import final_columns, note_final
from common.predictions.constants import CANCELED, MOST_FAILURES, backoff
from common.predictions.result_cache import cache_key
from common.search.outbox import FINDABLE, note_changed
from common.tables import Image, Prediction, State
from common.tasks import TaskSuccess, all_contracts, indexed_tasks


@dataclass(frozen=True, slots=True)
class Success:
    """A result in the form that the task's contract describes; `timings` in seconds."""

    job: Job
    result: dict[str, Any]
    model: dict[str, Any]
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class Failure:
    """A final failure: the input's fault, or an error that no retry can fix."""

    job: Job
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Retry:
    """A failure of the service or a dependency: retried, unless it has failed too often.

    Not before `delay` seconds have passed; an attempt that did not really start does not count as a
    failure.
    """

    job: Job
    code: str
    detail: str
    delay: float = 0.0
    counts: bool = True


Outcome = Success | Failure | Retry

_THEM = Prediction.id.in_(bindparam("ids", expanding=True))
# Read with the rows, which are read and locked anyway.
_FINDABLE = select(Image.id).where(Image.id == Prediction.image_id, FINDABLE).scalar_subquery()
_other = aliased(Image)
_IS_REPEATED = exists().where(_other.sha256 == Prediction.sha256, _other.id != Prediction.image_id)
HELD = (
    select(
        Prediction.id,
        Prediction.attempts,
        Prediction.cancel_requested,
        _FINDABLE.label("findable"),
        case((_IS_REPEATED, 1), else_=0).label("is_repeated"),
    )
    .where(_THEM, Prediction.state == State.PROCESSING)
    .with_for_update()
)


class HeldRow(NamedTuple):
    """The columns of HELD, in order; `findable` is the image's id if it can be in results."""

    id: UUID
    attempts: int
    cancel_requested: bool
    findable: UUID | None
    is_repeated: int  # 1 if another image has the same bytes


def finish(session: Session, outcomes: Sequence[Outcome]) -> list[UUID]:
    """Write the outcomes of jobs that are still held; return the ids that reached a final state.

    A job that was taken over meanwhile (its row's `attempts` changed) is dropped, because its new
    claimer writes the result. A job whose cancellation was requested is canceled, whatever its
    outcome.
    """
    mine = _still_mine(session, [outcome.job for outcome in outcomes])
    unwanted = [id for id, row in mine.items() if row.cancel_requested]
    kept = [o for o in outcomes if o.job.id in mine and not mine[o.job.id].cancel_requested]
    successes = [outcome for outcome in kept if isinstance(outcome, Success)]
    for together in _by_model(successes):
        _succeed(session, together, mine)
    indexed = indexed_tasks()
    images = [mine[s.job.id].findable for s in successes if s.job.task in indexed]
    note_changed(session, [image for image in images if image])
    _call_on_success(session, successes)
    if unwanted:
        _cancel(session, unwanted)
    final = [outcome.job.id for outcome in successes] + unwanted
    for outcome in kept:
        if isinstance(outcome, Failure):
            _fail(session, outcome.job.id, outcome.code, outcome.detail)
            final.append(outcome.job.id)
        elif isinstance(outcome, Retry) and _retry(session, outcome):
            final.append(outcome.job.id)
    webhooks = {outcome.job.id for outcome in outcomes if outcome.job.has_webhook}
    note_final(session, [id for id in final if id in webhooks])
    return final


def _call_on_success(session: Session, successes: Sequence[Success]) -> None:
    """Run what the contracts of the successful tasks prescribe."""
    by_task: dict[str, list[Success]] = {}
    for success in successes:
        by_task.setdefault(success.job.task, []).append(success)
    for task, group in by_task.items():
        contract = all_contracts().get(task)
        if contract and contract.on_success:
            contract.on_success(session, [_for_contract(success) for success in group])


def _for_contract(success: Success) -> TaskSuccess:
    return TaskSuccess(
        params=success.job.params,
        result=success.result,
        model=success.model,
        created_at=success.job.created_at,
    )


def _by_model(successes: Sequence[Success]) -> Iterable[list[Success]]:
    """Group successes by model; nearly always one group."""
    groups: dict[str, list[Success]] = {}
    for success in successes:
        groups.setdefault(json.dumps(success.model, sort_keys=True), []).append(success)
    return groups.values()


def _still_mine(session: Session, jobs: Iterable[Job]) -> dict[UUID, HeldRow]:
    """Return the rows of the jobs still held: whether each must be canceled, and its image if it is
    findable.
    """
    attempts = {job.id: job.attempt for job in jobs}
    rows = rows_as(HeldRow, execute(session, HELD, {"ids": sorted(attempts)}))
    return {row.id: row for row in rows if attempts[row.id] == row.attempts}


def _cancel(session: Session, ids: Sequence[UUID]) -> None:
    values = CANCELED | final_columns()
    execute(session, update(Prediction).where(Prediction.id.in_(ids)).values(values))


def _succeed(session: Session, successes: Sequence[Success], rows: Mapping[UUID, HeldRow]) -> None:
    """Write many rows with one UPDATE, which is ten times as fast as one UPDATE each."""
    values: dict[str, Any] = {
        "ids": [success.job.id for success in successes],
        "model": successes[0].model,
    }
    for number, success in enumerate(successes):
        job = success.job
        key = cache_key(job.task, job.sha256, job.params, success.model)
        values |= {
            f"id_{number}": job.id,
            f"result_{number}": success.result,
            f"timings_{number}": success.timings,
            f"cache_key_{number}": key,
            f"repeated_key_{number}": key if rows[job.id].is_repeated else None,
        }
    execute(session, _success_of(len(successes)), values)


@lru_cache(maxsize=64)
def _success_of(count: int) -> Update:
    """Return the UPDATE of `count` rows: CASE id WHEN … THEN … for each column that differs."""

    def by_id(column: Any) -> Any:
        whens = {
            bindparam(f"id_{number}", type_=Id): bindparam(
                f"{column.key}_{number}", type_=column.type
            )
            for number in range(count)
        }
        return case(whens, value=Prediction.id)

    return (
        update(Prediction)
        .where(_THEM)
        .values(
            state=State.SUCCEEDED,
            result=by_id(Prediction.result),
            model=bindparam("model", type_=Prediction.model.type),
            timings=by_id(Prediction.timings),
            cache_key=by_id(Prediction.cache_key),
            repeated_key=by_id(Prediction.repeated_key),
            **final_columns(),
        )
    )


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
            **final_columns(),
        ),
    )


def _retry(session: Session, outcome: Retry) -> bool:
    """Queue the prediction again with a delay. Return False; or True if it has failed too often and
    is now `failed`.
    """
    failures = outcome.job.failures + outcome.counts
    if outcome.counts and failures >= MOST_FAILURES:
        _fail(session, outcome.job.id, outcome.code, outcome.detail, failures=1)
        return True
    due = now(outcome.delay + backoff(failures))
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
