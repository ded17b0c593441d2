"""Wait slots: limit the requests of one process that wait, and share them fairly between callers.

A waiting request holds a thread, so there are fewer slots than threads. A long poll (`GET` with
`?wait=`) waits for a prediction of an earlier request; refusing it costs its caller one more
request. All other waits are for a prediction of the request itself: a search, a thumbnail, a
synchronous prediction. A third of the slots is never given to long polls.

Waits that are not long polls are shared by dynamic thresholds (Choudhury and Hahne, 1998): a caller
may hold twice as many slots as are free. A single caller gets two thirds of the slots. The more
callers there are, the fewer each gets, and a slot is always left for the next caller.
"""

import threading
from collections import Counter
from dataclasses import dataclass

RESERVED = 3  # 1/RESERVED of the slots is not given to long polls
CALLERS = 3  # a network may hold the long polls of this many callers, since accounts are free
CALLER_SHARE, NETWORK_SHARE = 2, 4  # slots that may be held for each free slot


@dataclass(frozen=True, slots=True)
class Wait:
    """A request to wait: its caller, their network, and whether it is a long poll."""

    caller: str
    network: str
    is_poll: bool = False


class WaitSlots:
    """The wait slots of one process. Its methods are thread-safe."""

    def __init__(self, limit: int, polls_per_caller: int):
        self._limit = limit
        self._polls_per_caller = polls_per_caller
        self._lock = threading.Lock()
        self._taken: Counter[bool] = Counter()  # by `is_poll`
        self._held: Counter[tuple[bool, str]] = Counter()  # by `is_poll`, and caller or network

    def take(self, wait: Wait) -> bool:
        """Take a slot; return False if no slot is free for this caller."""
        with self._lock:
            free = self._limit - self._taken.total()
            if free <= 0 or not self._is_fair(wait, free):
                return False
            self._count(wait, 1)
            return True

    def give_back(self, wait: Wait) -> None:
        """Release the slot that was taken for `wait`."""
        with self._lock:
            self._count(wait, -1)

    def _is_fair(self, wait: Wait, free: int) -> bool:
        by_caller, by_network = (self._held[name] for name in _names(wait))
        if not wait.is_poll:
            return by_caller < CALLER_SHARE * free and by_network < NETWORK_SHARE * free
        if self._taken[True] >= self._limit - self._limit // RESERVED:
            return False
        limit = self._polls_per_caller
        return by_caller < limit and by_network < CALLERS * limit

    def _count(self, wait: Wait, change: int) -> None:
        self._taken[wait.is_poll] += change
        for name in _names(wait):
            self._held[name] += change
            if not self._held[name]:
                del self._held[name]


def _names(wait: Wait) -> tuple[tuple[bool, str], tuple[bool, str]]:
    return (wait.is_poll, f"caller {wait.caller}"), (wait.is_poll, f"network {wait.network}")
