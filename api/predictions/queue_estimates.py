"""What this process knows of the queues: each lane is measured at most once a second."""

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from common.database.session import Sessions, read
from common.errors import QueueFull, Unavailable
from common.predictions import Lane, QueuePosition, ahead, measure
from common.tables import State

log = structlog.get_logger(__name__)

FRESH = 1.0  # seconds
SOONEST, LATEST = 1, 300  # seconds to come back after; an estimate further ahead is worth no more


@dataclass(slots=True)
class LaneEstimate:
    """A lane as it was measured, and what has happened since."""

    lane: Lane = field(default_factory=Lane)
    measured_at: float = -math.inf  # on the monotonic clock
    entered: int = 0  # asked for in this process since
    ahead: dict[UUID, int] = field(default_factory=dict)  # of the rows that were looked at since

    def length(self) -> int:
        """What is queued by now, as far as can be told without looking."""
        taken = (self.lane.rate or 0) * (time.monotonic() - self.measured_at)
        return max(0, self.lane.queued + self.entered - int(taken))


class QueueEstimates:
    """The lanes of one process; `promise` is the longest wait that is accepted, if there is one."""

    def __init__(self, sessions: Sessions, promise: float | None):
        self._sessions = sessions
        self._promise = promise
        self._lock = threading.Lock()
        self._known: dict[tuple[str, bool], LaneEstimate] = {}

    def admit(self, task: str, interactive: bool) -> None:
        """Raise QueueFull when whoever joins the lane now would wait longer than was promised."""
        if self._promise is None:
            return
        known = self._lane(task, interactive)
        excess = known.lane.excess(known.length(), self._promise)
        if excess is not None:
            raise QueueFull(
                f"The queue of `{task}` takes longer than the promised {self._promise:g} seconds.",
                retry_after=_within_reason(excess),
            )

    def enter(self, task: str, interactive: bool) -> QueuePosition:
        """The place of what was just queued, without looking at its row."""
        before = self._known.get((task, interactive))
        known = self._lane(task, interactive)
        with self._lock:
            known.entered += known is before  # else it is among those just counted
            position = max(1, known.length())
        return QueuePosition(position, known.lane.seconds(position))

    def place(self, row: Any) -> QueuePosition | None:
        """The place of a prediction; None when it is not queued, or the database does not say."""
        if row.state != State.QUEUED:
            return None
        known = self._lane(row.task, row.interactive)
        if row.id not in known.ahead:
            first = known.lane.first
            try:
                found = read(self._sessions, lambda session: ahead(session, row, first))
            except Unavailable:
                return None
            known.ahead[row.id] = found
        position = known.ahead[row.id] + 1
        return QueuePosition(position, known.lane.seconds(position))

    def _lane(self, task: str, interactive: bool) -> LaneEstimate:
        """Who finds it stale measures it; the others go on with what is known."""
        moment = time.monotonic()
        with self._lock:
            known = self._known.setdefault((task, interactive), LaneEstimate())
            if moment - known.measured_at < FRESH:
                return known
            known.measured_at = moment
        try:
            lane = read(self._sessions, lambda session: measure(session, task, interactive))
        except Unavailable as error:
            log.warning("the queue was not measured", task=task, error=error.explained)
            return known
        with self._lock:
            fresh = self._known[task, interactive] = LaneEstimate(lane, time.monotonic())
        return fresh


def retry_after(place: QueuePosition | None) -> str:
    """The value of Retry-After for an unfinished prediction, queued at `place` or no longer."""
    return str(_within_reason(place.seconds if place and place.seconds else 0))


def _within_reason(seconds: float) -> int:
    return max(SOONEST, min(LATEST, math.ceil(seconds)))
