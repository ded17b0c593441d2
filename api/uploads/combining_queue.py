"""What many threads want done, done at once by whichever of them has the turn."""

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
    """While one thread is at work the others' items gather; the next one does all of them.

    Alone, a thread does its own item at once and waits for nobody. Source: Hendler, Incze, Shavit,
    Tzafrir, "Flat combining and the synchronization-parallelism tradeoff", SPAA 2010.
    """

    def __init__(self, work: Callable[[Sequence[T]], R], patience: float, most: int):
        """`work` gets up to `most` items; nobody waits for the turn longer than `patience` seconds,
        unless its item is being worked on.
        """
        self._work = work
        self._patience = patience
        self._most = most
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._gathered: list[_Item[T, R]] = []

    def do(self, value: T) -> R | None:
        """What came of the items that this was among, or its error; None: nothing was tried,
        for the turn did not come.
        """
        item = _Item[T, R](value)
        with self._lock:
            self._gathered.append(item)
        if not self._turn.acquire(timeout=self._patience):
            if self._taken_back(item):
                return None
            self._turn.acquire()
        try:
            while not item.is_done:
                self._work_on(self._take())
        finally:
            self._turn.release()
        if item.error:
            raise item.error
        return item.result

    def _take(self) -> Sequence[_Item[T, R]]:
        with self._lock:
            taken, self._gathered = self._gathered[: self._most], self._gathered[self._most :]
        return taken

    def _taken_back(self, item: _Item[T, R]) -> bool:
        with self._lock:
            if item not in self._gathered:
                return False
            self._gathered.remove(item)
            return True

    def _work_on(self, items: Sequence[_Item[T, R]]) -> None:
        try:
            result, error = self._work([item.value for item in items]), None
        except Exception as caught:
            result, error = None, caught
        for item in items:
            item.result, item.error, item.is_done = result, error, True
