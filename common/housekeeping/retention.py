"""How long rows are kept that nobody deletes: one rule a table, carried out in small pieces.

What users have made (images and what was predicted of them, posts, accounts) has no rule here: it
stays until its owner deletes it.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Date,
    and_,
    bindparam,
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
from common.database.types import Id
from common.housekeeping.garbage import KEYS_KEPT, TOMBSTONE
from common.tables import (
    Base,
    Batch,
    BatchItem,
    Chore,
    Click,
    Counter,
    EngineProcess,
    IdempotencyKey,
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
WITH_FEEDBACK = 90 * DAY  # searches that got feedback: it refers to their query and results
DELIVERIES = BATCHES = 30 * DAY
STATISTICS = 90  # days of searches and clicks
FINAL = (State.SUCCEEDED, State.FAILED, State.CANCELED, State.EXPIRED)

_p, _d, _i = Prediction, WebhookDelivery, BatchItem


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` that are removed: `which` finds them by an index."""

    table: type[Base]
    said: str  # for people
    which: ColumnElement[bool]


def _days_ago(days: int) -> ColumnElement[Any]:
    return type_coerce(func.date(now(-days * DAY)), Date)


def _asked(task: str, kept: float) -> list[ColumnElement[bool]]:
    """Final predictions of a task, by the index over (task, interactive, started_at): those that
    were started, and those that never were.
    """
    lane = and_(_p.task == task, _p.interactive.in_([False, True]))
    over = and_(_p.state.in_(FINAL), or_(_p.keep_until.is_(None), _p.keep_until < now()))
    owed = exists().where(_d.prediction_id == _p.id, _d.next_attempt_at.isnot(None))
    return [
        and_(lane, started, over, ~owed)
        for started in (
            _p.started_at < now(-kept),
            and_(_p.started_at.is_(None), _p.deadline_at < now(-kept)),
        )
    ]


_unfinished = aliased(Prediction)
_IS_OPEN = exists().where(
    _i.batch_id == Batch.id, _i.prediction_id == _unfinished.id, _unfinished.state.not_in(FINAL)
)
OLD_BATCHES = (
    select(Batch.id).where(Batch.created_at < now(-BATCHES), ~_IS_OPEN).limit(20)
)  # with up to 1,000 items each
_THESE = bindparam("these", expanding=True, type_=Id)

RULES = (
    Rule(
        StoredObject,
        "tombstones: 10 minutes",
        and_(StoredObject.state == "deleted", StoredObject.created_at < now(-TOMBSTONE)),
    ),
    Rule(IdempotencyKey, "24 hours", IdempotencyKey.created_at < now(-KEYS_KEPT)),
    Rule(Counter, "until their window ends", Counter.ends_at < now()),
    Rule(Login, "until they expire", Login.expires_at < now()),
    Rule(EngineProcess, "24 hours after the last heartbeat", EngineProcess.seen_at < now(-DAY)),
    Rule(Chore, "7 days after they were due", Chore.due_at < now(-7 * DAY)),
    Rule(SearchDay, "90 days", SearchDay.day < _days_ago(STATISTICS)),
    Rule(Click, "90 days", Click.day < _days_ago(STATISTICS)),
    Rule(Voter, "until the day is over", Voter.day < _days_ago(1)),
    Rule(
        WebhookDelivery,
        "final ones: 30 days",
        and_(
            _d.next_attempt_at.is_(None),
            _d.created_at < now(-DELIVERIES),
            or_(_d.delivered_at.is_(None), _d.delivered_at < now(-DELIVERIES)),
        ),
    ),
)


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
        return _asked(task, keep_succeeded)
    is_success = _p.state == State.SUCCEEDED
    succeeded = [] if keep_succeeded is None else _asked(task, keep_succeeded)
    others = [] if keep_unsuccessful is None else _asked(task, keep_unsuccessful)
    return [
        *(and_(is_success, each) for each in succeeded),
        *(and_(~is_success, each) for each in others),
    ]


def remove_old(session: Session) -> int:
    """Remove up to PIECE rows by each of RULES; returns how many went."""
    return sum(remove_some(session, rule) for rule in RULES)


def remove_some(session: Session, rule: Rule) -> int:
    """Remove up to PIECE rows; returns how many went."""
    if session.get_bind().dialect.name != "sqlite":
        limited = delete(rule.table).where(rule.which).with_dialect_options(mysql_limit=PIECE)
        return execute(session, limited).rowcount
    rowid: ColumnElement[int] = literal_column("rowid")
    some = select(rowid).select_from(rule.table).where(rule.which).limit(PIECE)
    return execute(session, delete(rule.table).where(rowid.in_(some.scalar_subquery()))).rowcount


def remove_predictions(session: Session, which: ColumnElement[bool]) -> int:
    """Remove up to PIECE predictions with their deliveries; batches keep an item without one."""
    some = select(_p.id).where(which).limit(PIECE).with_for_update(skip_locked=True)
    if ids := [row.id for row in execute(session, some)]:
        for statement in PREDICTION_AND_RELATED:
            execute(session, statement, {"these": ids})
    return len(ids)


PREDICTION_AND_RELATED = (
    update(_i)
    .where(_i.prediction_id.in_(_THESE))
    .values(prediction_id=None, error_code="prediction_removed", error_detail="Its time was over."),
    delete(_d).where(_d.prediction_id.in_(_THESE)),
    delete(_p).where(_p.id.in_(_THESE)),
)


def remove_batches(session: Session) -> int:
    """Remove some old batches with their items; their predictions stay. Returns how many went."""
    ids = [row.id for row in execute(session, OLD_BATCHES)]
    if not ids:
        return 0
    execute(session, delete(_i).where(_i.batch_id.in_(_THESE)), {"these": ids})
    return execute(session, delete(Batch).where(Batch.id.in_(_THESE)), {"these": ids}).rowcount


def keep_search(session: Session, id: UUID, seconds: float) -> None:
    """Keep a search for at least so many seconds from now."""
    longer = or_(_p.keep_until.is_(None), _p.keep_until < now(seconds - HOUR))
    execute(session, update(_p).where(_p.id == id, longer).values(keep_until=now(seconds)))


def is_use_noted(age: timedelta) -> bool:
    """Whether the use of a search of that age is to be written down: a young one stays anyway, so
    that reading it costs no write.
    """
    return age > timedelta(hours=1)
