"""A circuit breaker: while a server does not answer, callers fail at once instead of waiting."""

import threading
import time

PROBE_EVERY = 0.25  # seconds between the end of a probe and the next one


class CircuitOpen(Exception):
    """The server did not answer the last call, so this call is not made."""


class CircuitBreaker:
    """Opens when a call gets no answer. While it is open, it lets one call at a time through as a
    probe; it closes when a call is answered.

    Source: M. Nygard, "Release It!", 2nd ed. 2018, "Circuit Breaker".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = False
        self._is_probed = False
        self._probe_at = 0.0
        self._answered_at = 0.0

    def begin_call(self) -> float:
        """Return the time at which the call begins, to be passed to `unanswered`. Raises
        CircuitOpen if the call must not be made.
        """
        begin = time.monotonic()
        if self._is_open:
            with self._lock:
                if self._is_open:
                    if self._is_probed or begin < self._probe_at:
                        raise CircuitOpen
                    self._is_probed = True
        return begin

    def answered(self) -> None:
        """Close the circuit: the server answered, be it with an error."""
        self._answered_at = time.monotonic()
        if self._is_open:
            with self._lock:
                self._is_open = self._is_probed = False

    def not_tried(self) -> None:
        """End a call that did not reach the server; if it was the probe, another call may be."""
        if self._is_open:
            with self._lock:
                self._is_probed = False

    def unanswered(self, begin: float) -> None:
        """Open the circuit, because the call that began at `begin` got no answer. It stays closed
        if a later call was answered: then one statement was slow, not the server.
        """
        with self._lock:
            self._is_probed = False
            if self._answered_at < begin:
                self._is_open = True
                self._probe_at = time.monotonic() + PROBE_EVERY
