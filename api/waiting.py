"""Requests that wait for a prediction: woken by the `finished` event, with the row as the truth."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from common.announcer import decode_ids
from common.broker import Broker
from common.metrics import Metrics

T = TypeVar("T")

LOOK_AGAIN = 1.0  # seconds after which the row is read although no event came: events may be lost
REMEMBERED = 4096  # events: what finishes between a caller's look at the row and its wait


class Waiting:
    """Who waits for which prediction in this process, and how many may."""

    def __init__(self, broker: Broker, most: int, metrics: Metrics):
        self._metrics = metrics
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._waiters: defaultdict[UUID, set[threading.Event]] = defaultdict(set)
        self._recent: dict[UUID, None] = {}  # finished lately, in that order
        self._is_ending = False
        self._subscription = broker.subscribe(self._on_finished, self._wake_all)

    def until_final(
        self, id: UUID, seconds: float, look: Callable[[], T], is_final: Callable[[T], bool]
    ) -> T | None:
        """What `look` found last: once `is_final` says so of it, or `seconds` have passed.

        None when it did not wait: with as many waiting as may, nobody does, for a thread that
        waits serves nobody else. The caller has seen that the prediction is not final yet, not
        longer ago than it takes REMEMBERED others to finish.
        """
        if not self._free.acquire(blocking=False):
            self._metrics.waits_refused[()].inc()
            return None
        self._metrics.waiting[()].inc()
        event = threading.Event()
        try:
            with self._lock:
                self._waiters[id].add(event)
                if id in self._recent:
                    event.set()
            return self._wait(event, time.monotonic() + seconds, look, is_final)
        finally:
            self._metrics.waiting[()].dec()
            self._forget(id, event)
            self._free.release()

    def send_home(self) -> None:
        """This process is about to end: from now on nobody waits, everybody gets what there is."""
        self._is_ending = True
        self._wake_all()

    def close(self) -> None:
        """Send everybody home and stop listening."""
        self.send_home()
        self._subscription.close()

    def _forget(self, id: UUID, event: threading.Event) -> None:
        with self._lock:
            self._waiters[id].discard(event)
            if not self._waiters[id]:
                del self._waiters[id]

    def _on_finished(self, body: bytes) -> None:
        with self._lock:
            for id in decode_ids(body):
                self._recent[id] = None
                for event in self._waiters.get(id, ()):
                    event.set()
            while len(self._recent) > REMEMBERED:
                del self._recent[next(iter(self._recent))]

    def _wake_all(self) -> None:
        with self._lock:
            for events in self._waiters.values():
                for event in events:
                    event.set()

    def _wait(
        self,
        event: threading.Event,
        end: float,
        look: Callable[[], T],
        is_final: Callable[[T], bool],
    ) -> T:
        while True:
            left = end - time.monotonic()
            event.wait(max(0, min(left, LOOK_AGAIN)))
            event.clear()
            found = look()
            if is_final(found) or left <= 0 or self._is_ending:
                return found
