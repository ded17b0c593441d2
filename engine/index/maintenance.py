"""Tidying of the index's tables: small files are merged, new rows indexed, old versions removed.

Everything that is repeated costs as much as the rows written since the last time, not as much as
the table. It is done by Lance's own library, because LanceDB's `optimize` writes the indexes, and
each table of up to a million rows, as a whole. Writers may continue meanwhile: Lance then rejects
one of two commits that contradict each other, and the step is repeated.
"""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from engine.index.address import Address
from engine.index.cache_limits import METADATA_CACHE, WRITER_CACHE
from engine.index.segments import merges
from engine.index.vector_index import create_if_due

log = structlog.get_logger(__name__)
T = TypeVar("T")

KEPT = 180.0  # seconds that old versions of a table are kept for readers that still use them
FRAGMENT = 131_072  # rows; larger files are no longer merged
READ_AT_ONCE = 1_024  # rows; 4 MiB of vectors
TRIES = 5


def tidy(table: Any, address: Address) -> bool:
    """Merge small files, index new rows, remove old versions.

    `table` is LanceDB's, `address` that of the index. Returns False if commits of other writers
    came first each time; the next run repeats it.
    """
    try:
        retried(table, lambda table: _tidy(table.name, address))
    except (RuntimeError, OSError) as error:
        if not is_conflict(error):
            raise
        log.info("index tidying postponed", table=table.name, reason="concurrent writes")
        return False
    table.checkout_latest()
    return True


def retried(table: Any, work: Callable[[Any], T]) -> T:
    """Run `work`, and repeat it if another writer's commit came first.

    Raises RuntimeError or OSError if that happens `TRIES` times, and for any other failure.
    """
    for attempt in range(TRIES):
        try:
            return work(table)
        except (RuntimeError, OSError) as error:
            if attempt == TRIES - 1 or not is_conflict(error):
                raise
        time.sleep(random.uniform(0.05, 0.2 * 2**attempt))
        table.checkout_latest()
    raise AssertionError("unreachable: the last try returns or raises")


def is_conflict(error: Exception) -> bool:
    """Return whether Lance rejected a commit because of another writer's commit."""
    text = str(error).lower()
    return "conflict" in text or "concurrent" in text


def _tidy(name: str, address: Address) -> None:
    import lance

    uri, options = address
    data = lance.dataset(
        f"{uri}/{name}.lance", storage_options=options or None,
        index_cache_size_bytes=WRITER_CACHE, metadata_cache_size_bytes=METADATA_CACHE,
    )  # fmt: skip
    # One thread: searches and other tasks of the machine need the others.
    data.optimize.compact_files(
        target_rows_per_fragment=FRAGMENT, batch_size=READ_AT_ONCE, num_threads=1
    )
    if "vector" in data.schema.names:
        create_if_due(data)
    _index_new_rows(data)
    data.cleanup_old_versions(timedelta(seconds=KEPT), error_if_tagged_old_versions=False)


def _index_new_rows(data: Any) -> None:
    """Add the rows that no segment covers to every index, merged with small segments."""
    rows_of = {each.fragment_id: each.physical_rows for each in data.get_fragments()}
    for count, names in merges(data.describe_indices(), rows_of).items():
        data.optimize.optimize_indices(num_indices_to_merge=count, index_names=names)
