"""Requests that wait for a prediction: woken by the `finished` event; the row decides."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from api.limits.wait_slots import Wait, WaitSlots
from api.system.broker_probe import BrokerProbe
from common.announcer import decode_ids
from common.broker import Broker
from common.errors import Unavailable
from common.observability.metrics import Metrics
from common.predictions import PredictionRecord

LOOK_AGAIN = 1.0  # seconds after which the row is read although no event came: events may be lost
REMEMBERED = 4096  # events: what finishes between a caller's look at the row and its wait

Look = Callable[[Sequence[UUID]], Mapping[UUID, PredictionRecord]]


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that waits; `row` is its prediction, where whoever woke it has read that."""

    woken: threading.Event = field(default_factory=threading.Event)
    row: PredictionRecord | None = None


class NoWaitSlot(Exception):
    """The caller may not wait now: too many requests wait already."""


class Waiters:
    """The requests of this process that wait for predictions, and the turns they hold."""

    def __init__(
        self, broker: Broker, look: Look, turns: WaitSlots, metrics: Metrics, echo: BrokerProbe
    ):
        """`look` finds the rows of those ids that still exist."""
        self._echo = echo
        self._look = look
        self._metrics = metrics
        self._turns = turns
        self._lock = threading.Lock()
        self._waiters: defaultdict[UUID, set[Waiter]] = defaultdict(set)
        self._recent: dict[UUID, None] = {}  # finished lately, in that order
        self._is_ending = False
        self._subscription = broker.subscribe(self._on_finished, self._wake_all)

    def until_final(self, id: UUID, seconds: float, wait: Wait) -> PredictionRecord | None:
        """The prediction once it is final, or as it is when `seconds` have passed; None when it has
        been deleted. Raises NoWaitSlot at once when `wait` gets no turn.

        The caller has seen that the prediction is not final yet, not longer ago than it takes
        REMEMBERED others to finish.
        """
        if not self._turns.take(wait):
            self._metrics.waits_refused[()].inc()
            raise NoWaitSlot
        self._metrics.waiting[()].inc()
        waiter = Waiter()
        try:
            with self._lock:
                self._waiters[id].add(waiter)
                if id in self._recent:
                    waiter.woken.set()
            return self._wait(id, waiter, time.monotonic() + seconds)
        finally:
            self._metrics.waiting[()].dec()
            self._forget(id, waiter)
            self._turns.give_back(wait)

    def send_home(self) -> None:
        """This process is about to end: from now on nobody waits, everybody gets what there is."""
        self._is_ending = True
        self._wake_all()

    def close(self) -> None:
        """Send everybody home and stop listening."""
        self.send_home()
        self._subscription.close()

    def _forget(self, id: UUID, waiter: Waiter) -> None:
        with self._lock:
            self._waiters[id].discard(waiter)
            if not self._waiters[id]:
                del self._waiters[id]

    def _on_finished(self, body: bytes) -> None:
        """The rows of an event are read together, for all who wait: each by itself would cost the
        API as much as to store the upload.
        """
        if self._echo.hear(body):
            return
        with self._lock:
            ids = decode_ids(body)
            self._recent.update(dict.fromkeys(ids))
            while len(self._recent) > REMEMBERED:
                del self._recent[next(iter(self._recent))]
            awaited = [id for id in ids if id in self._waiters]
        rows = self._read(awaited)
        with self._lock:
            for id in awaited:
                for waiter in self._waiters.get(id, ()):
                    waiter.row = rows.get(id)
                    waiter.woken.set()

    def _read(self, ids: Sequence[UUID]) -> Mapping[UUID, PredictionRecord]:
        try:
            return self._look(ids) if ids else {}
        except Unavailable:
            return {}  # each looks for itself, and tells its caller

    def _wake_all(self) -> None:
        with self._lock:
            for waiters in self._waiters.values():
                for waiter in waiters:
                    waiter.woken.set()

    def _wait(self, id: UUID, waiter: Waiter, end: float) -> PredictionRecord | None:
        while True:
            left = end - time.monotonic()
            waiter.woken.wait(max(0, min(left, LOOK_AGAIN)))
            waiter.woken.clear()
            row, waiter.row = waiter.row or self._look([id]).get(id), None
            if row is None or row.is_final or left <= 0 or self._is_ending:
                return row
