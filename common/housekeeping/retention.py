"""Retention: how long rows are kept before they are deleted, one rule per table, in small pieces.

Users' data (images with their predictions, posts, accounts) has no rule here: it is kept until its
owner deletes it, or with RETENTION_DAYS as `common/housekeeping/old_results.py` defines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session, aliased

from common.database.session import execute, now
from common.housekeeping.garbage import KEYS_KEPT, TOMBSTONE
from common.tables import (
    Base,
    Batch,
    BatchItem,
    Click,
    Counter,
    EngineProcess,
    IdempotencyKey,
    JobLock,
    Login,
    Prediction,
    SearchDay,
    State,
    StoredObject,
    Voter,
    WebhookDelivery,
)
from common.tasks import DAY, HOUR, all_contracts

PIECE = 500  # rows a transaction
SEARCHES = DAY  # after their last use
WITH_FEEDBACK = 90 * DAY  # of searches with feedback, which refers to their query and results
DELIVERIES = BATCHES = 30  # days
STATISTICS = 90  # days of searches and clicks
FINAL = (State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED)
EXPIRED = "The prediction was deleted at the end of its retention time."

_p, _d, _i = Prediction, WebhookDelivery, BatchItem
IS_OWED = exists().where(_d.prediction_id == _p.id, _d.next_attempt_at.isnot(None))  # a webhook


@dataclass(frozen=True, slots=True)
class Rule:
    """The rows of `table` that are deleted: those for which `condition`, which uses an index, is
    true.
    """

    table: type[Base]
    description: str  # how long rows are kept
    condition: ColumnElement[bool]


def _days_ago(days: int) -> ColumnElement[Any]:
    return type_coerce(func.date(now(-days * DAY)), Date)


def _old_in(task: str, seconds: float) -> list[ColumnElement[bool]]:
    """Return conditions for final predictions of a task that are older than `seconds` and have no
    pending webhook: those that were started, and those that were not. Both use the index over
    (task, interactive, started_at).
    """
    lane = and_(_p.task == task, _p.interactive.in_([False, True]))
    is_over = and_(_p.state.in_(FINAL), or_(_p.keep_until.is_(None), _p.keep_until < now()))
    return [
        and_(lane, is_old, is_over, ~IS_OWED)
        for is_old in (
            _p.started_at < now(-seconds),
            and_(_p.started_at.is_(None), _p.deadline_at < now(-seconds)),
        )
    ]


def _at_most(days: int, retention_days: int | None) -> int:
    return days if retention_days is None else min(days, retention_days)


def rules(retention_days: int | None = None) -> tuple[Rule, ...]:
    """Return the rules; none keeps rows of users' requests for more than `retention_days`."""
    statistics = _at_most(STATISTICS, retention_days)
    deliveries = _at_most(DELIVERIES, retention_days)
    return (
        Rule(
            StoredObject,
            "tombstones: 10 minutes",
            and_(StoredObject.state == "deleted", StoredObject.created_at < now(-TOMBSTONE)),
        ),
        Rule(IdempotencyKey, "24 hours", IdempotencyKey.created_at < now(-KEYS_KEPT)),
        Rule(Counter, "until their window ends", Counter.ends_at < now()),
        Rule(Login, "until they expire", Login.expires_at < now()),
        Rule(EngineProcess, "24 hours after the last heartbeat", EngineProcess.seen_at < now(-DAY)),
        Rule(JobLock, "7 days after they were due", JobLock.due_at < now(-7 * DAY)),
        Rule(SearchDay, f"{statistics} days", SearchDay.day < _days_ago(statistics)),
        Rule(Click, f"{statistics} days", Click.day < _days_ago(statistics)),
        Rule(Voter, "until the day is over", Voter.day < _days_ago(1)),
        Rule(
            WebhookDelivery,
            f"final ones: {deliveries} days",
            and_(
                _d.next_attempt_at.is_(None),
                _d.created_at < now(-deliveries * DAY),
                or_(_d.delivered_at.is_(None), _d.delivered_at < now(-deliveries * DAY)),
            ),
        ),
    )


RULES = rules()


@cache
def old_predictions() -> dict[str, list[ColumnElement[bool]]]:
    """Return, by task, conditions that find predictions whose retention time has ended.

    Rows of other tables may refer to these predictions: see `remove_predictions`.
    """
    by_task = {
        name: _old(name, contract.keep_succeeded, contract.keep_unsuccessful)
        for name, contract in all_contracts().items()
    }
    return {name: conditions for name, conditions in by_task.items() if conditions}


def _old(
    task: str, keep_succeeded: float | None, keep_unsuccessful: float | None
) -> list[ColumnElement[bool]]:
    if keep_succeeded is not None and keep_succeeded == keep_unsuccessful:
        return _old_in(task, keep_succeeded)
    is_success = _p.state == State.SUCCEEDED
    succeeded = [] if keep_succeeded is None else _old_in(task, keep_succeeded)
    others = [] if keep_unsuccessful is None else _old_in(task, keep_unsuccessful)
    return [
        *(and_(is_success, each) for each in succeeded),
        *(and_(~is_success, each) for each in others),
    ]


def remove_old(session: Session) -> int:
    """Delete up to PIECE rows by each of RULES; returns their number."""
    return sum(remove_some(session, rule) for rule in RULES)


def remove_some(session: Session, rule: Rule) -> int:
    """Delete up to PIECE rows by one rule; returns their number."""
    if session.get_bind().dialect.name != "sqlite":
        limited = delete(rule.table).where(rule.condition).with_dialect_options(mysql_limit=PIECE)
        return execute(session, limited).rowcount
    rowid: ColumnElement[int] = literal_column("rowid")
    some = select(rowid).select_from(rule.table).where(rule.condition).limit(PIECE)
    return execute(session, delete(rule.table).where(rowid.in_(some.scalar_subquery()))).rowcount


def remove_predictions(session: Session, condition: ColumnElement[bool]) -> int:
    """Delete up to PIECE predictions with their deliveries; items of batches are kept without
    their prediction. Returns the number of predictions.
    """
    some = select(_p.id).where(condition).limit(PIECE).with_for_update(skip_locked=True)
    ids = [row.id for row in execute(session, some)]
    delete_locked(session, ids)
    return len(ids)


def delete_locked(session: Session, ids: Sequence[UUID]) -> None:
    """Delete these predictions, whose rows are locked, as `remove_predictions` does."""
    if ids:
        unlink = update(_i).where(_i.prediction_id.in_(ids))
        reason = {
            "error_code": "prediction_removed",
            "error_detail": EXPIRED,
        }
        execute(session, unlink.values(prediction_id=None, **reason))
        execute(session, delete(_d).where(_d.prediction_id.in_(ids)))
        execute(session, delete(_p).where(_p.id.in_(ids)))


def remove_batches(session: Session, retention_days: int | None = None) -> int:
    """Delete up to 20 old batches with their items, of which each has up to 1,000, but not their
    predictions; returns the number of batches.
    """
    limit = now(-_at_most(BATCHES, retention_days) * DAY)
    unfinished = aliased(Prediction)
    is_open = exists().where(
        _i.batch_id == Batch.id, _i.prediction_id == unfinished.id, unfinished.state.not_in(FINAL)
    )
    old = select(Batch.id).where(Batch.created_at < limit, ~is_open).limit(20)
    ids = [row.id for row in execute(session, old)]
    if not ids:
        return 0
    execute(session, delete(_i).where(_i.batch_id.in_(ids)))
    return execute(session, delete(Batch).where(Batch.id.in_(ids))).rowcount


def feedback_kept(retention_days: int | None) -> float:
    """Return the seconds for which a search with feedback is kept."""
    return _at_most(WITH_FEEDBACK // DAY, retention_days) * DAY


def keep_search(session: Session, id: UUID, seconds: float) -> None:
    """Keep a search for at least `seconds` from now."""
    is_shorter = or_(_p.keep_until.is_(None), _p.keep_until < now(seconds - HOUR))
    execute(session, update(_p).where(_p.id == id, is_shorter).values(keep_until=now(seconds)))


def is_use_noted(age: timedelta) -> bool:
    """Whether the use of a search of that age must be recorded. A younger one is kept anyway, so
    that reading it costs no write.
    """
    return age > timedelta(hours=1)
