"""Objects of one process that are opened once and shared by all sessions that use them."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class OpenedOnce(Generic[T]):
    """Opened objects by key, each released with its last user."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakValueDictionary[Hashable, T] = WeakValueDictionary()

    def opened(self, key: Hashable, opener: Callable[[], T]) -> T:
        """Return the object with this key, opened by `opener` if it is not open."""
        with self._lock:
            found = self._open.get(key)
            if found is None:
                found = self._open[key] = opener()
            return found
