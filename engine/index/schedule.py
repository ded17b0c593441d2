"""When a writer tidies the index."""

import time
from collections.abc import Callable

from engine.index.maintenance import KEPT

PERIOD = 10.0  # minimum seconds between two runs
WRITES = 20  # writes after which a table is tidied: each slows every search until then
FEW = 5  # fewer writes wait for the hourly run
HOURLY = 3_600.0


class Schedule:
    """Decides when a writer tidies next. All times are in seconds by the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._tidied = clock()
        self._wrote = self._tidied
        self._writes = FEW  # an earlier process may have left writes
        self._is_dirty = True

    def note_write(self) -> None:
        """Count a write."""
        self._wrote = self._clock()
        self._writes += 1
        self._is_dirty = True

    def is_due(self) -> bool:
        """Return whether to tidy now."""
        now = self._clock()
        if not self._is_dirty or now - self._tidied < PERIOD:
            return False
        if self._writes >= WRITES:
            return True
        # The last run after a burst waits until all its versions are old enough to be removed.
        is_idle = now - self._wrote >= KEPT
        return is_idle and (self._writes >= FEW or now - self._tidied >= HOURLY)

    def put_off(self) -> None:
        """Check again after a period: another engine is tidying, or the index does not answer."""
        self._tidied = self._clock()

    def note_tidied(self) -> None:
        """Note that the index has been tidied."""
        self._tidied = self._clock()
        self._is_dirty = self._tidied - self._wrote < KEPT
        # Versions that were too young to be removed need another run.
        self._writes = FEW if self._is_dirty else 0
