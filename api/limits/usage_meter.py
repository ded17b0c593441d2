"""Count what callers have used of their allowances, in memory and in the database.

A process counts in memory up to a hundredth of the allowance, and then adds this amount to the
counter in the database, which all processes share. An allowance of 100 or less is therefore exact.
A larger one costs one transaction per hundredth; it may be exceeded by a hundredth per process, and
a restart loses no more than that.

While the counters cannot be written, each process counts its own requests against the whole
allowance, so that callers stay limited while the database is read-only, full or unreachable.
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

PIECES = 100  # an amount below 1/PIECES of the allowance is kept in memory
MAX_TALLIES = 10_000  # callers in memory; the least recently seen loses at most one piece
RECHECK = 1.0  # seconds between reads of a counter that is used up
RETRY = 5.0  # seconds until the next write after the database was unreachable


@dataclass(slots=True)
class Tally:
    """What this process knows about one counter."""

    ends_at: float  # end of the window, on the monotonic clock
    written: int = 0  # the count in the database when it was last read
    pending: int = 0  # counted in this process since then
    read_at: float = float("-inf")


class UsageMeter:
    """The counters of one process. Its methods are thread-safe."""

    def __init__(self, sessions: Sessions):
        self._sessions = sessions
        self._lock = threading.Lock()
        self._tallies: OrderedDict[bytes, Tally] = OrderedDict()
        self._no_writes_until = float("-inf")

    def take(self, name: bytes, allowance: Allowance, amount: int) -> Count:
        """Count `amount` more if all of it fits into the allowance; return the count."""
        moment = time.monotonic()
        with self._lock:
            tally = self._tally(name, allowance, moment)
            fits = tally.written + tally.pending + amount <= allowance.limit
            is_small = (tally.pending + amount) * PIECES < allowance.limit
            is_settled = is_small if fits else moment - tally.read_at < RECHECK
            if is_settled or moment < self._no_writes_until:
                tally.pending += amount if fits else 0
                return _count(tally, fits, moment)
            carried, tally.pending, tally.read_at = tally.pending, 0, moment
        return self._write(tally, name, allowance, carried, amount)

    def add(self, name: bytes, allowance: Allowance, amount: int) -> None:
        """Count `amount` more, even if it exceeds the allowance."""
        with self._lock:
            self._tally(name, allowance, time.monotonic()).pending += amount

    def give_back(self, name: bytes, amount: int) -> None:
        """Take back `amount` that was counted before."""
        with self._lock:
            tally = self._tallies.get(name)
            from_memory = min(tally.pending, amount) if tally else 0
            if tally:
                tally.pending -= from_memory
                tally.written -= amount - from_memory
        if amount == from_memory:
            return
        try:
            transact(
                self._sessions,
                partial(rate_counters.give_back, name=name, amount=amount - from_memory),
            )
        except Unavailable as error:  # the count is too high until the window ends
            log.warning("a charge was not taken back", error=error.detail)

    def _tally(self, name: bytes, allowance: Allowance, moment: float) -> Tally:
        tally = self._tallies.get(name)
        if tally is None or tally.ends_at <= moment:
            tally = self._tallies[name] = Tally(ends_at=moment + allowance.seconds)
            if len(self._tallies) > MAX_TALLIES:
                self._tallies.popitem(last=False)
        self._tallies.move_to_end(name)
        return tally

    def _write(
        self, tally: Tally, name: bytes, allowance: Allowance, carried: int, amount: int
    ) -> Count:
        """Add `carried`, counted in memory before, and `amount` to the counter in the database."""
        limit, seconds = allowance
        write = partial(
            rate_counters.add, name=name, window=seconds, limit=limit, amount=carried + amount
        )
        try:
            count = transact(self._sessions, write)
        except Unavailable as error:
            log.warning("counters cannot be written; counting in memory", error=error.detail)
            return self._count_in_memory(tally, allowance, carried, amount)
        moment = time.monotonic()
        with self._lock:
            tally.written = count.so_far
            if count.ends_in:  # otherwise the database has no window yet; keep this one
                tally.ends_at = moment + count.ends_in
            tally.pending += 0 if count.allowed else carried
            return _count(tally, count.allowed, moment)

    def _count_in_memory(
        self, tally: Tally, allowance: Allowance, carried: int, amount: int
    ) -> Count:
        moment = time.monotonic()
        with self._lock:
            self._no_writes_until = moment + RETRY
            tally.pending += carried
            fits = tally.written + tally.pending + amount <= allowance.limit
            tally.pending += amount if fits else 0
            return _count(tally, fits, moment)


def _count(tally: Tally, allowed: bool, moment: float) -> Count:
    return Count(allowed, max(0, tally.written) + tally.pending, max(0.0, tally.ends_at - moment))
