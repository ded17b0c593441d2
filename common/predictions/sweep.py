"""Find the predictions that nothing has happened to for too long, and say what each needs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, false, func, select, update
from sqlalchemy.orm import Session

from common.database.session import execute, now
from common.predictions.completion import note_final
from common.predictions.constants import ANNOUNCE_GRACE, LOST_AFTER, within_deadline
from common.tables import Prediction, State

MOST_AT_ONCE = 500
EXPIRED = "deadline_exceeded"
MARKED_TOGETHER = timedelta(seconds=2)  # those of one time are marked a little apart


@dataclass(slots=True)
class Overdue:
    """What one sweep found."""

    announce: list[tuple[UUID, str, bool]] = field(default_factory=list)  # id, task, interactive
    expired: list[UUID] = field(default_factory=list)
    expired_of: Counter[str] = field(default_factory=Counter)  # how many, by task

    def __bool__(self) -> bool:
        return bool(self.announce or self.expired)


def sweep(session: Session) -> Overdue:
    """Look at the rows whose `check_at` has come: expire what is past its deadline, say what to
    announce (again), and put off the look at the rest.

    Any number may sweep at once: rows another one holds are skipped, and a message too many is
    dropped by the claim.
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
    _put_off(session, [row.id for row in rows if row.id not in set(overdue.expired)])
    _look_when_idle(session, waiting)
    _join_the_end(session, lost)
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
    """The latest claim of a lane (id, started_at, announced_at), if there was one within the last
    LOST_AFTER seconds.
    """
    p = Prediction
    return session.execute(
        select(p.id, p.started_at, p.announced_at)
        .where(p.task == task, p.interactive == interactive, p.started_at > now(-LOST_AFTER))
        .order_by(p.started_at.desc())
        .limit(1)
    ).first()


def _has_been_overtaken(row: Any, last_claimed: Any) -> bool:
    """A queue is first in, first out: if one that came later was claimed, or none at all, this
    message is gone (a broker that was wiped); else the queue is merely long. Ids sort by creation;
    who was announced again came later than its id says.
    """
    again = last_claimed.announced_at
    came_later = again is not None and again > row.announced_at + MARKED_TOGETHER
    return bool(last_claimed.id > row.id or came_later)


def _join_the_end(session: Session, ids: Sequence[UUID]) -> None:
    """What is announced again stands at the end of its queue: claimed, it says of those who were
    announced before it, and are still there, that they are lost, too.
    """
    if ids:
        them = update(Prediction).where(Prediction.id.in_(ids))
        execute(session, them.values(announced_at=now()))


def _look_when_idle(session: Session, waiting: Sequence[tuple[UUID, datetime]]) -> None:
    """When nothing will have been claimed for LOST_AFTER seconds, if nothing is from now on: an
    engine that was at work until the broker was wiped must not put the look off for twice as long.
    """
    by_time: dict[datetime, list[UUID]] = {}
    for id, last in waiting:
        by_time.setdefault(last, []).append(id)
    for last, ids in by_time.items():
        them = update(Prediction).where(Prediction.id.in_(ids))
        execute(session, them.values(check_at=last + timedelta(seconds=LOST_AFTER)))


def _put_off(session: Session, ids: Sequence[UUID]) -> None:
    """Soon for what was never announced (the broker may be down), later for the rest."""
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
                finished_at=now(),
                check_at=None,
                lease_owner=None,
                lease_until=None,
            ),
        )
        note_final(session, ids)


def reopen(session: Session, *, crashed: bool = False) -> int:
    """Make every unfinished row due for an announcement now; returns how many there were.

    For a process that has just started and is the only one: the claims that it finds are those of
    its predecessor, and the messages of the in-memory queue are gone. A restart says nothing about
    the inputs that were being processed, unless the predecessor `crashed` by itself.
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
