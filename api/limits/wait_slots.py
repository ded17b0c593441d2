"""Turns to wait: how many requests of one process wait at once, shared fairly between callers.

A waiting request holds a thread, so there are fewer turns than threads. A long poll (`GET` with
`?wait=`) waits for work that an earlier request asked for; refusing it costs its caller one more
request. All other waits are for work that the request itself has just asked for: a search, a
thumbnail, a synchronous prediction. A third of the turns is never given to long polls.

Waits that are not long polls are shared by dynamic thresholds (Choudhury and Hahne, 1998): a caller
may hold twice as many turns as are free. One caller alone gets two thirds of the turns, and the
more callers there are, the less each gets; there is always a turn left for the next caller.
"""

import threading
from collections import Counter
from dataclasses import dataclass

RESERVED = 3  # one turn in so many is not for long polls
CALLERS = 3  # a network may hold the long polls of so many callers: accounts are free
CALLER_SHARE, NETWORK_SHARE = 2, 4  # turns that may be held for each one that is free


@dataclass(frozen=True, slots=True)
class Wait:
    """A wish to wait: the caller, the network it comes from, and whether it is a long poll."""

    caller: str
    network: str
    is_poll: bool = False


class WaitSlots:
    """The turns of one process; any thread may call it."""

    def __init__(self, most: int, polls_per_caller: int):
        self._most = most
        self._polls_per_caller = polls_per_caller
        self._lock = threading.Lock()
        self._taken: Counter[bool] = Counter()  # by `is_poll`
        self._held: Counter[tuple[bool, str]] = Counter()  # by `is_poll`, and caller or network

    def take(self, wait: Wait) -> bool:
        """Take a turn, to be given back; False when there is none for this caller."""
        with self._lock:
            free = self._most - self._taken.total()
            if free <= 0 or not self._is_fair(wait, free):
                return False
            self._count(wait, 1)
            return True

    def give_back(self, wait: Wait) -> None:
        """End a turn that was taken for `wait`."""
        with self._lock:
            self._count(wait, -1)

    def _is_fair(self, wait: Wait, free: int) -> bool:
        by_caller, by_network = (self._held[name] for name in _names(wait))
        if not wait.is_poll:
            return by_caller < CALLER_SHARE * free and by_network < NETWORK_SHARE * free
        if self._taken[True] >= self._most - self._most // RESERVED:
            return False
        most = self._polls_per_caller
        return by_caller < most and by_network < CALLERS * most

    def _count(self, wait: Wait, change: int) -> None:
        self._taken[wait.is_poll] += change
        for name in _names(wait):
            self._held[name] += change
            if not self._held[name]:
                del self._held[name]


def _names(wait: Wait) -> tuple[tuple[bool, str], tuple[bool, str]]:
    return (wait.is_poll, f"caller {wait.caller}"), (wait.is_poll, f"network {wait.network}")
