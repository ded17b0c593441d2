"""Tidying of the index's tables: they are compacted, their indexes updated, old versions removed.

The writer tidies between two of its own batches, so that the two do not conflict. Other engines may
write at the same time: LanceDB then rejects one commit, and the step is repeated.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")

KEPT = 180.0  # seconds that old versions of a table are kept for readers that still use them
FLAT = 10_000  # vectors up to which a search compares all of them, which takes 35 ms
PERIOD = 60.0  # minimum seconds between two runs
WRITES = 100  # minimum writes after which a table is tidied
ROWS_A_WRITE = 100  # a larger table needs more writes first, because tidying rewrites all of it
MOST_WRITES = 1_000  # maximum writes after which any table is tidied
FEW = 20  # fewer writes wait for the hourly run
HOURLY = 3_600.0
TRIES = 5


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

    def is_due(self, rows: Callable[[], int]) -> bool:
        """Return whether to tidy now; `rows` returns the number of rows of the largest table."""
        now = self._clock()
        if not self._is_dirty or now - self._tidied < PERIOD:
            return False
        if self._writes >= WRITES:
            return self._writes >= min(MOST_WRITES, max(WRITES, rows() // ROWS_A_WRITE))
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


def tidy(table: Any) -> bool:
    """Merge small files, update the indexes, remove old versions.

    Returns False if commits of other writers came first each time; the next run repeats it.
    """
    try:
        retried(table, _tidy)
    except RuntimeError as error:
        if not is_conflict(error):
            raise
        log.info("index tidying postponed", table=table.name, reason="concurrent writes")
        return False
    return True


def retried(table: Any, work: Callable[[Any], T]) -> T:
    """Run `work`, and repeat it if another writer's commit came first.

    Raises RuntimeError if that happens `TRIES` times, and for any other failure.
    """
    for attempt in range(TRIES):
        try:
            return work(table)
        except RuntimeError as error:
            if attempt == TRIES - 1 or not is_conflict(error):
                raise
        time.sleep(random.uniform(0.05, 0.2 * 2**attempt))
        table.checkout_latest()
    raise AssertionError("unreachable: the last try returns or raises")


def is_conflict(error: Exception) -> bool:
    """Return whether LanceDB rejected a commit because of another writer's commit."""
    text = str(error).lower()
    return "conflict" in text or "concurrent" in text


def _tidy(table: Any) -> None:
    from lancedb.index import IvfRq

    if "vector" in table.schema.names and table.count_rows() > FLAT:
        known = {column for index in table.list_indices() for column in index.columns}
        if "vector" not in known:
            table.create_index("vector", config=IvfRq(distance_type="cosine", num_partitions=128))
    table.optimize(cleanup_older_than=timedelta(seconds=KEPT))
