"""Counts what callers have used of their allowances: in memory, and in the database in pieces.

A process keeps what it has counted in memory until it is a hundredth of the allowance, and then
adds it to the counter in the database, which all processes share. So an allowance of 100 or less is
exact. A larger one costs a transaction whenever a hundredth of it is used; it may be overdrawn by a
hundredth for each process, and a restart forgets no more than that.

While the counters cannot be written, each process counts what it sees by itself, against the whole
allowance: nobody goes unlimited because the database is read-only, full or away.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

import structlog

from common.database.session import Sessions, transact
from common.errors import Unavailable
from common.housekeeping import rate_counters
from common.housekeeping.rate_counters import Count
from common.settings.parsers import Allowance

log = structlog.get_logger(__name__)

PIECES = 100  # of an allowance: what is less is not written yet
MOST_TALLIES = 10_000  # callers remembered; of the least recently seen, one piece is forgotten
LOOK_AGAIN = 1.0  # seconds after which the database is asked again whether it is still used up
RETRY = 5.0  # seconds without writing after the database was away


@dataclass(slots=True)
class Tally:
    """What is known here of one counter."""

    ends_at: float  # of its window, on the monotonic clock
    written: int = 0  # what the database held when it was last asked
    pending: int = 0  # counted here since
    asked_at: float = float("-inf")


class UsageMeter:
    """The counters of one process; any thread may call it."""

    def __init__(self, sessions: Sessions):
        self._sessions = sessions
        self._lock = threading.Lock()
        self._tallies: OrderedDict[bytes, Tally] = OrderedDict()
        self._silent_until = float("-inf")

    def take(self, name: bytes, allowance: Allowance, amount: int) -> Count:
        """Count `amount` more, all of it or nothing, within the allowance."""
        moment = time.monotonic()
        with self._lock:
            tally = self._tally(name, allowance, moment)
            fits = tally.written + tally.pending + amount <= allowance.most
            is_small = (tally.pending + amount) * PIECES < allowance.most
            is_settled = is_small if fits else moment - tally.asked_at < LOOK_AGAIN
            if is_settled or moment < self._silent_until:
                tally.pending += amount if fits else 0
                return _count(tally, fits, moment)
            carried, tally.pending, tally.asked_at = tally.pending, 0, moment
        return self._write(tally, name, allowance, carried, amount)

    def add(self, name: bytes, allowance: Allowance, amount: int) -> None:
        """Count `amount` more, even beyond the allowance, which is then used up."""
        with self._lock:
            self._tally(name, allowance, time.monotonic()).pending += amount

    def give_back(self, name: bytes, amount: int) -> None:
        """Count `amount` less, as if it had not been taken."""
        with self._lock:
            tally = self._tallies.get(name)
            here = min(tally.pending, amount) if tally else 0
            if tally:
                tally.pending -= here
                tally.written -= amount - here
        if amount == here:
            return
        try:
            transact(
                self._sessions, partial(rate_counters.give_back, name=name, amount=amount - here)
            )
        except Unavailable as error:  # the window ends by itself
            log.warning("a counter was not given back", error=error.detail)

    def _tally(self, name: bytes, allowance: Allowance, moment: float) -> Tally:
        tally = self._tallies.get(name)
        if tally is None or tally.ends_at <= moment:
            tally = self._tallies[name] = Tally(ends_at=moment + allowance.seconds)
            if len(self._tallies) > MOST_TALLIES:
                self._tallies.popitem(last=False)
        self._tallies.move_to_end(name)
        return tally

    def _write(
        self, tally: Tally, name: bytes, allowance: Allowance, carried: int, amount: int
    ) -> Count:
        """Add what was counted here and `amount` to the database's counter."""
        most, seconds = allowance
        write = partial(
            rate_counters.add, name=name, window=seconds, most=most, amount=carried + amount
        )
        try:
            found = transact(self._sessions, write)
        except Unavailable as error:
            log.warning("counters are not written; counting in memory", error=error.detail)
            return self._count_here(tally, allowance, carried, amount)
        moment = time.monotonic()
        with self._lock:
            tally.written = found.so_far
            if found.ends_in:  # else the database has no window yet, and ours goes on
                tally.ends_at = moment + found.ends_in
            tally.pending += 0 if found.allowed else carried
            return _count(tally, found.allowed, moment)

    def _count_here(self, tally: Tally, allowance: Allowance, carried: int, amount: int) -> Count:
        moment = time.monotonic()
        with self._lock:
            self._silent_until = moment + RETRY
            tally.pending += carried
            fits = tally.written + tally.pending + amount <= allowance.most
            tally.pending += amount if fits else 0
            return _count(tally, fits, moment)


def _count(tally: Tally, allowed: bool, moment: float) -> Count:
    return Count(allowed, max(0, tally.written) + tally.pending, max(0.0, tally.ends_at - moment))
