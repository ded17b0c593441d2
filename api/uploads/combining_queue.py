"""A queue whose items are processed in groups, by one of the threads that wait for them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Item(Generic[T, R]):
    value: T
    is_done: bool = False
    result: R | None = None
    error: Exception | None = None


class CombiningQueue(Generic[T, R]):
    """While one thread processes a group, the items of other threads queue up; the next thread that
    gets the lock processes them as one group.

    Without contention a thread processes its own item at once. Source: Hendler, Incze, Shavit,
    Tzafrir, "Flat combining and the synchronization-parallelism tradeoff", SPAA 2010.
    """

    def __init__(self, work: Callable[[Sequence[T]], R], patience: float, limit: int):
        """`work` receives up to `limit` items. A thread waits up to `patience` seconds for the
        lock, and longer only if its item is being processed by then.
        """
        self._work = work
        self._patience = patience
        self._limit = limit
        self._working = threading.Lock()  # held by the thread that processes a group
        self._lock = threading.Lock()  # guards `_queue`
        self._queue: list[_Item[T, R]] = []

    def run(self, value: T) -> R | None:
        """Return the result of the group that `value` was processed in, or raise its exception.

        Returns None if the lock was not free in time; the item then was not processed.
        """
        item = _Item[T, R](value)
        with self._lock:
            self._queue.append(item)
        if not self._working.acquire(timeout=self._patience):
            if self._take_back(item):
                return None
            self._working.acquire()
        try:
            while not item.is_done:
                group, result, error = self._take_group(), None, None
                try:
                    result = self._work([each.value for each in group])
                except Exception as caught:
                    error = caught
                for each in group:
                    each.result, each.error, each.is_done = result, error, True
        finally:
            self._working.release()
        if item.error:
            raise item.error
        return item.result

    def _take_group(self) -> Sequence[_Item[T, R]]:
        with self._lock:
            group, self._queue = self._queue[: self._limit], self._queue[self._limit :]
        return group

    def _take_back(self, item: _Item[T, R]) -> bool:
        with self._lock:
            if item not in self._queue:
                return False
            self._queue.remove(item)
            return True
