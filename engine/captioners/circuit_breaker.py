"""The way to the provider, shared by a lane's workers: it closes when the provider says so."""

import random
import time
from threading import Event, Lock

from common.errors import TryLater
from engine.captioners.errors import Refused

LONGEST_WAIT = 10.0  # seconds at the gate: with the call after it they stay below the lease
SPREAD = 0.5  # seconds within which those who waited set off again


class Gate:
    """Closed after a refusal for `closing` seconds (a circuit breaker: M. Nygard, "Release It!",
    2007), and while the provider asked for quiet. What it lets pass later decides anew.
    """

    def __init__(self, closing: float, stop: Event):
        self._closing = closing
        self._stop = stop
        self._lock = Lock()
        self._refusal: Refused | None = None
        self._closed_until = self._quiet_until = float("-inf")

    def pass_through(self) -> None:
        """Wait until a call may be made. Raises Refused at once while the gate is closed, and
        TryLater when the provider wants to be left alone for longer than can be waited here.
        """
        self._check()
        with self._lock:
            quiet = self._quiet_until - time.monotonic()
        if quiet <= 0:
            return
        if quiet > LONGEST_WAIT:
            raise _later(quiet)
        if self._stop.wait(quiet + random.uniform(0, SPREAD)):
            raise _later(0)
        self._check()

    def close(self, refusal: Refused) -> None:
        """Let nobody through for a while: they would be refused too."""
        with self._lock:
            self._refusal = refusal
            self._closed_until = time.monotonic() + self._closing

    def quieten(self, seconds: float) -> None:
        """Make no call for so long."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def _check(self) -> None:
        with self._lock:
            refusal = self._refusal if time.monotonic() < self._closed_until else None
        if refusal is not None:
            raise Refused(
                f"{refusal.detail} It was not asked again for this caption.", code=refusal.code
            )


def _later(delay: float) -> TryLater:
    return TryLater(
        "The captioning service asked for fewer requests.",
        code="captioner_busy",
        delay=delay,
        counts=False,
    )
