"""Requests that wait for a prediction: the `finished` event wakes them, and the row decides."""

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

POLL_INTERVAL = 1.0  # seconds after which the row is read without an event: events can be lost
REMEMBERED = 4096  # ids of recent events, for predictions that finish just before a wait begins

Look = Callable[[Sequence[UUID]], Mapping[UUID, PredictionRecord]]


@dataclass(slots=True, eq=False)
class Waiter:
    """A waiting request; `record` is its prediction, if the thread that woke it has read it."""

    woken: threading.Event = field(default_factory=threading.Event)
    record: PredictionRecord | None = None


class NoWaitSlot(Exception):
    """The caller cannot wait: too many requests wait already."""


class Waiters:
    """The requests of this process that wait for predictions, and the wait slots that they use."""

    def __init__(
        self, broker: Broker, look: Look, turns: WaitSlots, metrics: Metrics, echo: BrokerProbe
    ):
        """`look` reads the predictions with the given ids that exist."""
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
        """The prediction once it is final, or as it is after `seconds`; None if it was deleted.
        Raises NoWaitSlot at once if `wait` gets no slot.

        The caller has read that the prediction is not final; since then, at most REMEMBERED others
        may have finished.
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

    def end_waits(self) -> None:
        """End all waits, now and from now on, because the process is about to stop."""
        self._is_ending = True
        self._wake_all()

    def close(self) -> None:
        """End all waits and unsubscribe from events."""
        self.end_waits()
        self._subscription.close()

    def _forget(self, id: UUID, waiter: Waiter) -> None:
        with self._lock:
            self._waiters[id].discard(waiter)
            if not self._waiters[id]:
                del self._waiters[id]

    def _on_finished(self, body: bytes) -> None:
        """Read the awaited predictions of an event with one statement: one read per waiting request
        would cost as much as storing an upload.
        """
        if self._echo.hear(body):
            return
        with self._lock:
            ids = decode_ids(body)
            self._recent.update(dict.fromkeys(ids))
            while len(self._recent) > REMEMBERED:
                del self._recent[next(iter(self._recent))]
            awaited = [id for id in ids if id in self._waiters]
        records = self._read(awaited)
        with self._lock:
            for id in awaited:
                for waiter in self._waiters.get(id, ()):
                    waiter.record = records.get(id)
                    waiter.woken.set()

    def _read(self, ids: Sequence[UUID]) -> Mapping[UUID, PredictionRecord]:
        try:
            return self._look(ids) if ids else {}
        except Unavailable:
            return {}  # each request reads for itself and reports the error

    def _wake_all(self) -> None:
        with self._lock:
            for waiters in self._waiters.values():
                for waiter in waiters:
                    waiter.woken.set()

    def _wait(self, id: UUID, waiter: Waiter, end: float) -> PredictionRecord | None:
        while True:
            left = end - time.monotonic()
            waiter.woken.wait(max(0, min(left, POLL_INTERVAL)))
            waiter.woken.clear()
            record, waiter.record = waiter.record or self._look([id]).get(id), None
            if record is None or record.is_final or left <= 0 or self._is_ending:
                return record
