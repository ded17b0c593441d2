"""Find overdue predictions and repair them: expire them, or return them for an announcement."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, false, func, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.predictions.completion import final_columns, note_final
from common.predictions.constants import ANNOUNCE_GRACE, LOST_AFTER, within_deadline
from common.tables import Prediction, State

MOST_AT_ONCE = 500
EXPIRED = "deadline_exceeded"
MARKED_TOGETHER = timedelta(seconds=2)  # one announcement may be marked this far apart


@dataclass(slots=True)
class Overdue:
    """The result of a sweep."""

    announce: list[tuple[UUID, str, bool]] = field(default_factory=list)  # id, task, interactive
    expired: list[UUID] = field(default_factory=list)
    expired_of: Counter[str] = field(default_factory=Counter)  # their number by task

    def __bool__(self) -> bool:
        return bool(self.announce or self.expired)


def sweep(session: Session) -> Overdue:
    """Check the rows whose `check_at` has passed: expire those past their deadline, return those
    that must be announced (again), and postpone the check of the others.

    Several processes may sweep at once: rows that another one has locked are skipped, and `claim`
    drops superfluous messages.
    """
    rows = execute(session, _due()).all()
    overdue = Overdue()
    progress: dict[tuple[str, bool], Any] = {}
    waiting: list[tuple[UUID, datetime]] = []
    lost: list[UUID] = []
    for row in rows:
        lane = (row.task, row.interactive)
        if row.is_late:
            overdue.expired.append(row.id)
            overdue.expired_of[row.task] += 1
        elif row.announced_at is None or row.state == State.PROCESSING:
            overdue.announce.append((row.id, *lane))
        else:
            if lane not in progress:
                progress[lane] = _last_claimed(session, *lane)
            last = progress[lane]
            if last is None or _has_been_overtaken(row, last):
                overdue.announce.append((row.id, *lane))
                lost.append(row.id)
            else:
                waiting.append((row.id, last.started_at))
    _postpone(session, [row.id for row in rows if row.id not in set(overdue.expired)])
    _check_when_idle(session, waiting)
    _mark_announced_again(session, lost)
    _expire(session, overdue.expired)
    return overdue


def _due() -> Any:
    p = Prediction
    late = case((p.deadline_at < now(), 1), else_=0).label("is_late")
    return (
        select(p.id, p.state, p.task, p.interactive, p.announced_at, late)
        .where(p.check_at <= now())
        .order_by(p.check_at)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )


def _last_claimed(session: Session, task: str, interactive: bool) -> Any:
    """The latest claim of a lane within LOST_AFTER seconds (id, started_at, announced_at), or
    None.
    """
    p = Prediction
    return session.execute(
        select(p.id, p.started_at, p.announced_at)
        .where(p.task == task, p.interactive == interactive, p.started_at > now(-LOST_AFTER))
        .order_by(p.started_at.desc())
        .limit(1)
    ).first()


def _has_been_overtaken(row: Any, last_claimed: Any) -> bool:
    """Whether a later prediction of the lane was claimed. Queues are first in, first out, so the
    message of this one is lost (for example, the broker's data was deleted); otherwise the queue is
    only long. Ids sort by creation, but a repeated announcement counts as later.
    """
    again = last_claimed.announced_at
    came_later = again is not None and again > row.announced_at + MARKED_TOGETHER
    return bool(last_claimed.id > row.id or came_later)


def _mark_announced_again(session: Session, ids: Sequence[UUID]) -> None:
    """Mark predictions that are announced again, and so are at the end of their queue. When one of
    them is claimed, earlier announcements that are still queued are lost, too.
    """
    if ids:
        them = update(Prediction).where(Prediction.id.in_(ids))
        execute(session, them.values(announced_at=now()))


def _check_when_idle(session: Session, waiting: Sequence[tuple[UUID, datetime]]) -> None:
    """Check these rows LOST_AFTER seconds after the latest claim of their lane: if nothing is
    claimed until then, their messages are lost. A later check would double the delay.
    """
    by_time: dict[datetime, list[UUID]] = {}
    for id, last in waiting:
        by_time.setdefault(last, []).append(id)
    for last, ids in by_time.items():
        them = update(Prediction).where(Prediction.id.in_(ids))
        execute(session, them.values(check_at=last + timedelta(seconds=LOST_AFTER)))


def _postpone(session: Session, ids: Sequence[UUID]) -> None:
    """Check rows that were never announced soon (the broker may be down), and the others later."""
    if ids:
        never = Prediction.announced_at.is_(None)
        soon = case((never, within_deadline(ANNOUNCE_GRACE)), else_=within_deadline(LOST_AFTER))
        execute(session, update(Prediction).where(Prediction.id.in_(ids)).values(check_at=soon))


def _expire(session: Session, ids: Sequence[UUID]) -> None:
    if ids:
        execute(
            session,
            update(Prediction)
            .where(Prediction.id.in_(ids))
            .values(
                state=State.EXPIRED,
                error_code=EXPIRED,
                error_detail="No engine finished this prediction before its deadline.",
                **final_columns(),
            ),
        )
        note_final(session, ids)


def reopen(session: Session, *, crashed: bool = False) -> int:
    """Make every unfinished prediction due for an announcement; returns their number.

    For a process that has just started and is the only one: existing claims are of its predecessor,
    and the messages of the in-memory queue are lost. Inputs that were being processed count as
    suspect only if the predecessor `crashed`.
    """
    ran_alone = Prediction.ran_alone if crashed else false()
    return execute(
        session,
        update(Prediction)
        .where(Prediction.check_at.isnot(None))
        .values(
            announced_at=None,
            ran_alone=ran_alone,
            lease_until=case((Prediction.state == State.PROCESSING, now(-1)), else_=None),
            check_at=func.coalesce(Prediction.next_attempt_at, now()),
        ),
    ).rowcount
