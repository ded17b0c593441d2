"""Limit how many pixels a process decodes at once, over all threads and tasks."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """A weighted semaphore that serves requests in the order of arrival, so that none starves.

    Pictures of up to a SMALL_SHARE of the budget draw from a reserve of their own, so they do not
    wait for large ones. A picture larger than the budget waits until it can have all of it.
    """

    SMALL_SHARE = 1 / 6

    def __init__(self, pixels: int):
        small = int(pixels * self.SMALL_SHARE)
        self._small_limit = small // 2
        self._small = _Queue(small)
        self._large = _Queue(pixels - small)

    @contextmanager
    def take(self, pixels: int) -> Iterator[None]:
        """Hold `pixels` of the budget during the block. Must not be nested."""
        queue = self._small if pixels <= self._small_limit else self._large
        weight = queue.acquire(pixels)
        try:
            yield
        finally:
            queue.release(weight)


class _Queue:
    """A semaphore of `size` that serves the first waiting request next."""

    def __init__(self, size: int):
        self._size = max(1, size)
        self._free = self._size
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def acquire(self, pixels: int) -> int:
        """Wait for `pixels`, or for the whole size if that is less; return how many were
        acquired.
        """
        weight, ticket = min(pixels, self._size), object()
        with self._changed:
            self._line.append(ticket)
            try:
                self._changed.wait_for(lambda: self._line[0] is ticket and self._free >= weight)
                self._free -= weight
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
        return weight

    def release(self, weight: int) -> None:
        with self._changed:
            self._free += weight
            self._changed.notify_all()
