"""Requests that wait for a prediction: woken by the `finished` event, with the row as the truth."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from common.announcer import decode_ids
from common.broker import Broker

LOOK_AGAIN = 1.0  # seconds after which the row is read although no event came: events may be lost


class Waiting:
    """Who waits for which prediction in this process, and how many may."""

    def __init__(self, broker: Broker, most: int):
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._waiters: defaultdict[UUID, set[threading.Event]] = defaultdict(set)
        self._subscription = broker.subscribe(self._on_finished, self._wake_all)

    def until_final(self, id: UUID, seconds: float, is_final: Callable[[], bool]) -> bool:
        """Return when `is_final` says so or `seconds` have passed; False when it did not wait.

        With as many waiting as may, nobody waits: a thread that waits serves nobody else.
        """
        if not self._free.acquire(blocking=False):
            return False
        try:
            self._wait(id, time.monotonic() + seconds, is_final)
        finally:
            self._free.release()
        return True

    def close(self) -> None:
        """Stop listening and send everybody home with what there is."""
        self._subscription.close()
        self._wake_all()

    def _wait(self, id: UUID, end: float, is_final: Callable[[], bool]) -> None:
        event = threading.Event()
        with self._lock:
            self._waiters[id].add(event)
        try:
            # Looked at after the event was entered: what finishes from here on cannot be missed.
            while not is_final() and (left := end - time.monotonic()) > 0:
                event.wait(min(left, LOOK_AGAIN))
                event.clear()
        finally:
            self._forget(id, event)

    def _forget(self, id: UUID, event: threading.Event) -> None:
        with self._lock:
            self._waiters[id].discard(event)
            if not self._waiters[id]:
                del self._waiters[id]

    def _on_finished(self, body: bytes) -> None:
        with self._lock:
            for id in decode_ids(body):
                for event in self._waiters.get(id, ()):
                    event.set()

    def _wake_all(self) -> None:
        with self._lock:
            for events in self._waiters.values():
                for event in events:
                    event.set()
