"""When and how the index's tables are tidied: compacted, their indexes updated, old versions
removed.

The writer tidies between two of its own batches, so that the two do not conflict. Other engines may
write at the same time: LanceDB then refuses one commit, and the step is tried again.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")

KEPT = 180.0  # seconds that old versions of a table stay, for readers that still use them
FLAT = 10_000  # vectors; up to here all are compared, which takes 35 ms
PERIOD = 60.0  # seconds between two tidyings at least
WRITES = 100  # after which a table is tidied, at least
ROWS_A_WRITE = 100  # a larger table waits for more writes, since tidying rewrites all of it
MOST_WRITES = 1_000  # but never for more than this
FEW = 20  # writes that wait for the hourly turn
HOURLY = 3_600.0
TRIES = 5


class Schedule:
    """When one writer tidies next. All times are in seconds by the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._tidied = clock()
        self._wrote = self._tidied
        self._writes = FEW  # left by an earlier process, perhaps
        self._is_dirty = True

    def note_write(self) -> None:
        """Call it after each write."""
        self._wrote = self._clock()
        self._writes += 1
        self._is_dirty = True

    def is_due(self, rows: Callable[[], int]) -> bool:
        """Whether to tidy now; `rows` returns how many the largest table has."""
        now = self._clock()
        if not self._is_dirty or now - self._tidied < PERIOD:
            return False
        if self._writes >= WRITES:
            return self._writes >= min(MOST_WRITES, max(WRITES, rows() // ROWS_A_WRITE))
        # The last turn after a burst comes when all its versions are old enough to be removed.
        is_idle = now - self._wrote >= KEPT
        return is_idle and (self._writes >= FEW or now - self._tidied >= HOURLY)

    def put_off(self) -> None:
        """Ask again after a period: another engine tidies, or the index does not answer."""
        self._tidied = self._clock()

    def note_tidied(self) -> None:
        """Call it after tidying."""
        self._tidied = self._clock()
        self._is_dirty = self._tidied - self._wrote < KEPT
        # Versions that were too young to be removed need another turn.
        self._writes = FEW if self._is_dirty else 0


def tidy(table: Any) -> bool:
    """Merge small files, index what was written since, remove old versions.

    False when other writers' commits came first each time: the next turn does it.
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
    """Run `work`, and run it again when another writer's commit came first.

    Raises RuntimeError when that happens `TRIES` times, and for any other failure.
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
    """Whether LanceDB refused a commit because of another writer's."""
    text = str(error).lower()
    return "conflict" in text or "concurrent" in text


def _tidy(table: Any) -> None:
    from lancedb.index import IvfRq

    if "vector" in table.schema.names and table.count_rows() > FLAT:
        known = {column for index in table.list_indices() for column in index.columns}
        if "vector" not in known:
            table.create_index("vector", config=IvfRq(distance_type="cosine", num_partitions=128))
    table.optimize(cleanup_older_than=timedelta(seconds=KEPT))
