"""`Fresh`: a value that is computed again when it is older than a number of seconds."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Fresh(Generic[T]):
    """A value that is computed at most once in `seconds`, by the thread that finds it too old.

    Meanwhile other threads get the former value; without one they compute their own. The value
    stays valid for at least `cost_factor` times the seconds that its computation took.
    """

    def __init__(self, seconds: float, initial: T | None = None, cost_factor: float = 0.0):
        """`initial` is returned while the first value is computed; None: all threads compute it."""
        self._seconds = seconds
        self._cost_factor = cost_factor
        self._lock = threading.Lock()
        self._value = initial
        self._has_value = initial is not None
        self._is_computing = False
        self._valid_until = float("-inf")

    @property
    def latest(self) -> T | None:
        """The latest value, however old; None before the first."""
        return self._value

    def get(self, compute: Callable[[], T]) -> T:
        """The value, from `compute` if it is too old. What `compute` raises is raised here, and the
        next call computes again.
        """
        with self._lock:
            is_valid = time.monotonic() < self._valid_until
            if self._has_value and (is_valid or self._is_computing):
                return cast(T, self._value)
            self._is_computing = True
        begin = time.monotonic()
        try:
            value = compute()
            self._store(value, time.monotonic() - begin)
        finally:
            self._is_computing = False
        return value

    def _store(self, value: T, seconds: float) -> None:
        with self._lock:
            self._value, self._has_value = value, True
            validity = max(self._seconds, self._cost_factor * seconds)
            self._valid_until = time.monotonic() + validity
