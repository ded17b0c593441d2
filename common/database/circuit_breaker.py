"""A circuit breaker: while a server does not answer, callers fail at once instead of waiting."""

import threading
import time

PROBE_EVERY = 0.25  # seconds between the end of a probe and the next one


class Open(Exception):
    """The server did not answer the last call; it is asked again by one caller at a time."""


class Circuit:
    """Opens when a call got no answer; then one call at a time goes through, until one is answered.

    Source: M. Nygard, "Release It!", 2nd ed. 2018, "Circuit Breaker".
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_open = False
        self._is_probed = False
        self._probe_at = 0.0
        self._answered_at = 0.0

    def enter(self) -> float:
        """The time at which the call begins, for `answered` or `unanswered`; raises Open."""
        begin = time.monotonic()
        if self._is_open:
            with self._lock:
                if self._is_open:
                    if self._is_probed or begin < self._probe_at:
                        raise Open
                    self._is_probed = True
        return begin

    def answered(self) -> None:
        """The server answered, whatever it said: the circuit closes."""
        self._answered_at = time.monotonic()
        if self._is_open:
            with self._lock:
                self._is_open = self._is_probed = False

    def not_tried(self) -> None:
        """The call did not reach the server: if it was the one to find out, another one is."""
        if self._is_open:
            with self._lock:
                self._is_probed = False

    def unanswered(self, begin: float) -> None:
        """The call that began then got no answer. When others were answered since, one statement
        was slow, not the server: the circuit stays closed.
        """
        with self._lock:
            self._is_probed = False
            if self._answered_at < begin:
                self._is_open = True
                self._probe_at = time.monotonic() + PROBE_EVERY
