"""The length and throughput of a lane, and the waiting times that follow from them.

A lane is a task's queue or its interactive queue. Everything is measured from the rows of
`predictions`, with queries that read at most MOST_QUEUED and MOST_CLAIMS rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID, LAST_ID, smallest_id
from common.database.rows import rows_as
from common.database.session import execute, now
from common.database.types import Id, Moment
from common.tables import Prediction, State

MOST_QUEUED = 10_000  # rows; a longer queue counts as this long
MOST_CLAIMS = 400  # claims that the throughput is measured from
WINDOW = 60  # seconds; older claims are ignored
SKEW = 1  # second by which the clock of an id's maker may differ from the database's

# This index has the rows in the right order. Without the hint MariaDB and MySQL walk the primary
# key backwards, through all rows if fewer than MOST_QUEUED are queued.
BY_LANE = "FORCE INDEX (ix_predictions_lane)"
# Prebuilt: building these statements costs more than sending them.
_p = Prediction
_LANE = and_(_p.task == bindparam("task"), _p.interactive == bindparam("interactive"))
SINCE = func.coalesce(_p.next_attempt_at, _p.created_at)  # when it joined the queue


UNMOVED = case((_p.next_attempt_at.is_(None), _p.id))  # its id, unless it was retried


def _waiting(*conditions: Any) -> Any:
    """The lane's latest unclaimed rows, including canceled and expired ones: without those, the
    query could read any number of rows.
    """
    return (
        select(_p.id, _p.state, SINCE.label("since"), UNMOVED.label("unmoved"))
        .with_hint(_p, BY_LANE, "mysql")
        .where(_LANE, _p.started_at.is_(None), *conditions)
        .order_by(_p.id.desc())
        .limit(MOST_QUEUED)
        .subquery()
    )


def _count(rows: Any, *conditions: Any) -> Select[Any]:
    return select(
        func.count().label("queued"),
        func.min(rows.c.since).label("oldest"),
        func.min(rows.c.unmoved).label("first"),
        now().label("now"),
    ).where(rows.c.state == State.QUEUED, *conditions)


QUEUED = _count(_waiting())
_elder = _waiting(_p.id >= bindparam("first", type_=Id), _p.id < bindparam("before", type_=Id))
AHEAD = _count(
    _elder,
    _elder.c.since <= bindparam("since", type_=Moment()),
    _elder.c.id != bindparam("id", type_=Id),
)
CLAIMS = (
    select(SINCE.label("since"), _p.started_at, _p.finished_at)
    .with_hint(_p, BY_LANE, "mysql")
    .where(_LANE, _p.started_at > now(-WINDOW), _p.attempts > 0)
    .order_by(_p.started_at.desc())
    .limit(MOST_CLAIMS)
)


class ClaimTimes(NamedTuple):
    """When a claimed prediction joined its queue, was claimed, and finished."""

    since: datetime
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueuePosition:
    """A position in a queue, from 1, and the estimated seconds until its claim; None: unknown."""

    position: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    """The measurements of a lane."""

    queued: int = 0
    rate: float | None = None  # predictions per second; None if none has finished within WINDOW
    oldest: float = 0  # seconds that the first prediction of the queue has waited
    waited: float = 0  # seconds that the latest claimed prediction had waited
    first: UUID = FIRST_ID  # no older id is queued, except retried predictions

    def seconds(self, position: int) -> float | None:
        """Estimated seconds until the prediction at `position` is claimed; None: unknown. In a
        queue that is too long to be counted, at least the wait of the latest claimed prediction.
        """
        if self.rate is None:
            return None
        return max(position / self.rate, self.waited if position >= MOST_QUEUED else 0)

    def excess(self, queued: int, promise: float) -> float | None:
        """Seconds until a queue of `queued` predictions is short enough for a wait of `promise`
        seconds; None if it is. A queue without throughput is short enough until its first
        prediction has waited for `promise` seconds.
        """
        wait = self.seconds(queued)
        if wait is None:
            return promise if queued and self.oldest > promise else None
        return wait - promise if wait > promise else None


def measure(session: Session, task: str, interactive: bool) -> Lane:
    """Measure the lane now, with two queries."""
    lane = {"task": task, "interactive": interactive}
    queue = execute(session, QUEUED, lane).one()
    claims = rows_as(ClaimTimes, execute(session, CLAIMS, lane))
    seconds = (queue.now - queue.oldest).total_seconds() if queue.oldest else 0
    latest = claims[0] if claims else None
    return Lane(
        queued=queue.queued,
        rate=throughput(claims, queue.oldest, queue.now),
        oldest=max(0.0, seconds),
        waited=max(0.0, (latest.started_at - latest.since).total_seconds()) if latest else 0,
        first=queue.first or smallest_id(queue.now - timedelta(seconds=SKEW)),
    )


def throughput(
    claims: Sequence[ClaimTimes], oldest: datetime | None, moment: datetime
) -> float | None:
    """Finished predictions per second of the time in which any were queued or being processed; None
    if none has finished.

    `claims` are the latest ones, newest first; `oldest` is when the first of the queue joined it.
    Idle time does not count, so a quiet service is not measured as a slow one.
    """
    finished = sum(claim.finished_at is not None for claim in claims)
    if not finished:
        return None
    begin = moment - timedelta(seconds=WINDOW)
    if len(claims) == MOST_CLAIMS:
        begin = max(begin, claims[-1].started_at)
    spans = [(claim.since, claim.finished_at or moment) for claim in claims]
    if oldest:
        spans.append((oldest, moment))
    busy = _covered((max(since, begin), end) for since, end in spans)
    return finished / max(busy, 1e-3)


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """The number of seconds that the union of the spans covers."""
    seconds, reached = 0.0, None
    for since, end in sorted(spans):
        start = since if reached is None else max(since, reached)
        if end > start:
            seconds += (end - start).total_seconds()
            reached = end
    return seconds


def ahead(session: Session, row: Any, first: UUID = FIRST_ID) -> int:
    """The number of predictions of the lane that are queued before `row`, with one query that reads
    no ids below `first`. A retried prediction is behind those that were queued before its retry.
    """
    was_retried = row.next_attempt_at is not None
    place = {
        "task": row.task,
        "interactive": row.interactive,
        "id": row.id,
        "first": first,
        "before": LAST_ID if was_retried else row.id,
        "since": row.next_attempt_at or row.created_at,
    }
    return int(execute(session, AHEAD, place).one().queued)
