"""How long a lane's queue is, how fast it moves, and so how long somebody in it will wait.

A lane is a task's queue, or its interactive queue. Everything is measured from the rows, by queries
that read at most MOST_QUEUED and MOST_CLAIMS of them.
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

MOST_QUEUED = 10_000  # rows; a longer queue counts as that long
MOST_CLAIMS = 400  # claims that a throughput is measured from
WINDOW = 60  # seconds; older claims say nothing about now
SKEW = 1  # second by which the clock that an id was made with may differ from the database's

# It holds the rows in the order that is wanted; left to themselves, MariaDB and MySQL walk the
# primary key backwards, through every row there is when fewer than MOST_QUEUED are queued.
BY_LANE = "FORCE INDEX (ix_predictions_lane)"
# Built once: making a statement costs more than sending it.
_p = Prediction
_LANE = and_(_p.task == bindparam("task"), _p.interactive == bindparam("interactive"))
SINCE = func.coalesce(_p.next_attempt_at, _p.created_at)  # when it came into the queue


UNMOVED = case((_p.next_attempt_at.is_(None), _p.id))  # its id, unless it came back


def _waiting(*conditions: Any) -> Any:
    """The lane's youngest rows that nobody has claimed. Among them are those that were canceled or
    expired: left out here instead of later, they could be any number of rows to read.
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
    """A place in a queue, counted from 1, and the seconds until its turn; None: nobody knows."""

    position: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Lane:
    """What was measured of a lane."""

    queued: int = 0
    rate: float | None = None  # predictions a second; None when nothing has finished lately
    oldest: float = 0  # seconds that the first in the queue has waited
    waited: float = 0  # seconds that the latest to be claimed had waited
    first: UUID = FIRST_ID  # no older id is queued, but for those that came back

    def seconds(self, position: int) -> float | None:
        """Until the turn of who stands at `position`. In a queue too long to be counted, who joins
        it now waits no less than those did who are having their turn.
        """
        if self.rate is None:
            return None
        return max(position / self.rate, self.waited if position >= MOST_QUEUED else 0)

    def excess(self, queued: int, promise: float) -> float | None:
        """Seconds until a queue of `queued` is short enough for a wait of `promise` seconds; None
        when it is. Where nothing moves it is, until somebody has waited that long.
        """
        wait = self.seconds(queued)
        if wait is None:
            return promise if queued and self.oldest > promise else None
        return wait - promise if wait > promise else None


def measure(session: Session, task: str, interactive: bool) -> Lane:
    """The lane as it is: two queries."""
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
    """Predictions that finished, a second of the time in which there were any to be done.

    `claims` are the latest, youngest first; `oldest` is when the first in the queue came into it.
    Time in which nobody wanted anything does not count: a quiet service is not a slow one.
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
    """Seconds that the spans cover together."""
    seconds, reached = 0.0, None
    for since, end in sorted(spans):
        start = since if reached is None else max(since, reached)
        if end > start:
            seconds += (end - start).total_seconds()
            reached = end
    return seconds


def ahead(session: Session, row: Any, first: UUID = FIRST_ID) -> int:
    """How many of the lane are queued before the queued `row`: one query, that reads no row older
    than `first`. Who came back stands behind those that are younger, but were there before.
    """
    came_back = row.next_attempt_at is not None
    place = {
        "task": row.task,
        "interactive": row.interactive,
        "id": row.id,
        "first": first,
        "before": LAST_ID if came_back else row.id,
        "since": row.next_attempt_at or row.created_at,
    }
    return int(execute(session, AHEAD, place).one().queued)
