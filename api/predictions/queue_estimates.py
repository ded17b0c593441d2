"""Queue lengths and waiting times as this process knows them; each lane is measured at most once a
second."""

import math
import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from common.database.session import Sessions, read
from common.errors import QueueFull, Unavailable
from common.fresh import Fresh
from common.predictions import Lane, PredictionRecord, QueuePosition, ahead, measure
from common.tables import State

log = structlog.get_logger(__name__)

FRESH = 1.0  # seconds for which a lane's measurement is cached
MIN_RETRY_AFTER, MAX_RETRY_AFTER = 1, 300  # seconds; longer estimates are too uncertain


@dataclass(slots=True)
class LaneEstimate:
    """The measurement of a lane, and what this process has added since."""

    lane: Lane = field(default_factory=Lane)
    measured_at: float = field(default_factory=time.monotonic)
    added: int = 0  # predictions that this process created since
    ahead: dict[UUID, int] = field(default_factory=dict)  # positions that were looked up since

    def length(self) -> int:
        """The estimated number of queued predictions now."""
        claimed = (self.lane.rate or 0) * (time.monotonic() - self.measured_at)
        return max(0, self.lane.queued + self.added - int(claimed))


class QueueEstimates:
    """The lanes of one process; `promise` is the longest accepted wait in seconds, None: any."""

    def __init__(self, sessions: Sessions, promise: float | None):
        self._sessions = sessions
        self._promise = promise
        self._lock = threading.Lock()
        self._lanes: dict[tuple[str, bool], Fresh[LaneEstimate]] = {}

    def admit(self, task: str, interactive: bool) -> None:
        """Raise QueueFull if a prediction that joins the lane now would wait for longer than
        promised.
        """
        if self._promise is None:
            return
        estimate = self._estimate(task, interactive)
        excess = estimate.lane.excess(estimate.length(), self._promise)
        if excess is not None:
            raise QueueFull(
                f"The wait for `{task}` is longer than the promised {self._promise:g} seconds. "
                "Send the request again later.",
                retry_after=_bounded(excess),
            )

    def add(self, task: str, interactive: bool) -> QueuePosition:
        """The position of a prediction that was just queued, without reading its row."""
        previous = self._lane(task, interactive).latest
        estimate = self._estimate(task, interactive)
        with self._lock:
            # A new measurement includes the prediction already.
            estimate.added += estimate is previous
            position = max(1, estimate.length())
        return QueuePosition(position, estimate.lane.seconds(position))

    def find(self, record: PredictionRecord) -> QueuePosition | None:
        """The position of a prediction; None if it is not queued or the database is unavailable."""
        if record.state != State.QUEUED:
            return None
        estimate = self._estimate(record.task, record.interactive)
        if record.id not in estimate.ahead:
            first = estimate.lane.first
            try:
                count = read(self._sessions, lambda session: ahead(session, record, first))
            except Unavailable:
                return None
            estimate.ahead[record.id] = count
        position = estimate.ahead[record.id] + 1
        return QueuePosition(position, estimate.lane.seconds(position))

    def _lane(self, task: str, interactive: bool) -> Fresh[LaneEstimate]:
        with self._lock:
            return self._lanes.setdefault((task, interactive), Fresh(FRESH, LaneEstimate()))

    def _estimate(self, task: str, interactive: bool) -> LaneEstimate:
        """The lane's estimate; the former one while it is measured again, or if that fails."""
        lane = self._lane(task, interactive)

        def compute() -> LaneEstimate:
            try:
                return LaneEstimate(
                    read(self._sessions, lambda session: measure(session, task, interactive))
                )
            except Unavailable as error:
                log.warning("the queue was not measured", task=task, error=error.explained)
                return lane.latest or LaneEstimate()

        return lane.get(compute)


def retry_after(position: QueuePosition | None) -> str:
    """The value of Retry-After for an unfinished prediction; None: it is no longer queued."""
    return str(_bounded(position.seconds if position and position.seconds else 0))


def _bounded(seconds: float) -> int:
    return max(MIN_RETRY_AFTER, min(MAX_RETRY_AFTER, math.ceil(seconds)))
