"""Requests that wait for a prediction: woken by the `finished` event, with the row as the truth."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from common.announcer import decode_ids
from common.broker import Broker
from common.tables import Prediction, State

LOOK_AGAIN = 1.0  # seconds after which the row is read although no event came: events may be lost


class Waiting:
    """Who waits for which prediction in this process, and how many may."""

    def __init__(self, broker: Broker, most: int):
        self._free = threading.Semaphore(most)
        self._lock = threading.Lock()
        self._waiters: defaultdict[UUID, set[threading.Event]] = defaultdict(set)
        self._subscription = broker.subscribe(self._on_finished, self._wake_all)

    def until_final(self, id: UUID, seconds: float, look: Callable[[], Prediction]) -> Prediction:
        """The row as `look` reads it, once its state is final or `seconds` have passed.

        With as many waiting as may, it is answered at once: a thread that waits serves nobody.
        """
        row: Prediction | None = None
        if seconds > 0 and self._free.acquire(blocking=False):
            try:
                row = self._wait(id, time.monotonic() + seconds, look)
            finally:
                self._free.release()
        return row or look()

    def close(self) -> None:
        """Stop listening and send everybody home with what there is."""
        self._subscription.close()
        self._wake_all()

    def _wait(self, id: UUID, end: float, look: Callable[[], Prediction]) -> Prediction:
        event = threading.Event()
        with self._lock:
            self._waiters[id].add(event)
        try:
            # Looked at after the event was entered: what finishes from here on cannot be missed.
            row = look()
            while not State(row.state).is_final and (left := end - time.monotonic()) > 0:
                event.wait(min(left, LOOK_AGAIN))
                event.clear()
                row = look()
            return row
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
