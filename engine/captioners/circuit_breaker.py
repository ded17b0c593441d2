"""A circuit breaker for calls to the provider, shared by the workers of a lane."""

import random
import time
from threading import Event, Lock

from common.errors import TryLater
from engine.captioners.errors import Refused

LONGEST_WAIT = 10.0  # seconds before a call: together they stay below the lease
SPREAD = 0.5  # seconds over which waiting calls are spread


class CircuitBreaker:
    """Rejects calls for `open_seconds` seconds after a refusal (M. Nygard, "Release It!",
    2007), and delays them while the provider asks for fewer requests. The first call after that
    time decides again.
    """

    def __init__(self, open_seconds: float, stop: Event):
        self._open_seconds = open_seconds
        self._stop = stop
        self._lock = Lock()
        self._refusal: Refused | None = None
        self._open_until = self._paused_until = float("-inf")

    def wait(self) -> None:
        """Wait until a call may be made. Raises Refused at once while the circuit is open, and
        TryLater if the provider asked for a longer pause than a worker may wait.
        """
        self._check()
        with self._lock:
            pause = self._paused_until - time.monotonic()
        if pause <= 0:
            return
        if pause > LONGEST_WAIT:
            raise _later(pause)
        if self._stop.wait(pause + random.uniform(0, SPREAD)):
            raise _later(0)
        self._check()

    def open(self, refusal: Refused) -> None:
        """Reject all calls for a while: the provider would refuse them too."""
        with self._lock:
            self._refusal = refusal
            self._open_until = time.monotonic() + self._open_seconds

    def pause(self, seconds: float) -> None:
        """Make no call for `seconds`."""
        with self._lock:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _check(self) -> None:
        with self._lock:
            refusal = self._refusal if time.monotonic() < self._open_until else None
        if refusal is not None:
            raise Refused(
                f"{refusal.detail} It was not called again for this caption.", code=refusal.code
            )


def _later(delay: float) -> TryLater:
    return TryLater(
        "The captioning service asked for fewer requests.",
        code="captioner_busy",
        delay=delay,
        counts=False,
    )
