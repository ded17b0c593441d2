"""How many pixels are decoded at once in a process, whatever its threads and tasks are."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """A weighted semaphore that serves in the order of arrival, so that nobody starves.

    Pictures of up to a SMALL_SHARE of the budget draw from a reserve of their own, and so do not
    wait for large ones. A picture larger than the budget waits until it can have all of it.
    """

    SMALL_SHARE = 1 / 6

    def __init__(self, pixels: int):
        small = int(pixels * self.SMALL_SHARE)
        self._most_small = small // 2
        self._small = _Queue(small)
        self._large = _Queue(pixels - small)

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Hold so many pixels of the budget while the block runs. Not to be nested."""
        queue = self._small if pixels <= self._most_small else self._large
        weight = queue.enter(pixels)
        try:
            yield
        finally:
            queue.leave(weight)


class _Queue:
    """A semaphore of `size` whose first in line is the next to be served."""

    def __init__(self, size: int):
        self._size = max(1, size)
        self._free = self._size
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def enter(self, wanted: int) -> int:
        """Wait for `wanted`, or all there is if that is less; returns what was taken."""
        weight, ticket = min(wanted, self._size), object()
        with self._changed:
            self._line.append(ticket)
            try:
                self._changed.wait_for(lambda: self._line[0] is ticket and self._free >= weight)
                self._free -= weight
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
        return weight

    def leave(self, weight: int) -> None:
        with self._changed:
            self._free += weight
            self._changed.notify_all()
