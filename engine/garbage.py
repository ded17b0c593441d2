"""The housekeeper's periodic jobs: orphaned objects, condemned objects, and rows whose retention
time has ended.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice

import structlog
from sqlalchemy.orm import Session

from common.database.session import read, transact
from common.housekeeping import garbage, job_locks
from common.housekeeping.old_results import IMAGES, PREDICTIONS
from common.housekeeping.retention import (
    old_predictions,
    remove_batches,
    remove_predictions,
    remove_some,
    rules,
)
from common.observability.drift import samples
from common.observability.metrics import Metrics
from common.search import failed_index_notes
from common.search.feedback.record import expire_votes
from common.services import Services
from common.storage import Storage, StoredObject
from common.webhooks.erasing import erase_some
from engine import old_results
from engine.pauses import Pace

log = structlog.get_logger(__name__)
MOST_PIECES = 400  # transactions of one rule in one run
AGAIN = 300.0  # seconds after which a failed chore is tried again


@dataclass(frozen=True, slots=True)
class Chore:
    """A job that one of all engines does every `period` seconds.

    `do` returns how many items it processed. If `task` is set, only an engine that serves this task
    does the job, so that others need not load what it needs.
    """

    name: str
    period: float
    do: Callable[[Services], int]
    task: str = ""


def do_due_chores(services: Services, tasks: Collection[str]) -> None:
    """Do the chores that are due and not taken by another engine. `tasks` are those that this
    engine serves.
    """
    for chore in CHORES:
        if chore.task and chore.task not in tasks:
            continue
        mine = transact(
            services.sessions, partial(job_locks.take, name=chore.name, period=chore.period)
        )
        if mine and (count := _do(chore, services)):
            log.info("housekeeping", chore=chore.name, count=count)


def _do(chore: Chore, services: Services) -> int:
    """Run a chore and return its count. If it fails, it runs again after AGAIN seconds at most,
    not only after its period.
    """
    try:
        return chore.do(services)
    except Exception:
        soon = partial(job_locks.postpone, name=chore.name, seconds=min(chore.period, AGAIN))
        transact(services.sessions, soon)
        raise


def find_orphans(services: Services) -> int:
    """Condemn the objects without a row, and those of which only thumbnails are left. Lists the
    whole store, hence once a day.
    """
    limit = read(services.sessions, garbage.orphaned_before)
    count = 0
    for page in _pages(_stored(services.storage), garbage.MOST_AT_ONCE):
        found = read(services.sessions, partial(garbage.orphans, entries=page, before=limit))
        transact(services.sessions, partial(garbage.condemn, sizes=found))
        count += len(found)
    return count


def delete_condemned(services: Services) -> int:
    """Delete the bytes and thumbnails of condemned objects, each under the lock of its row."""
    digests = read(services.sessions, garbage.condemned)
    for digest in digests:
        away = partial(garbage.delete_object, storage=services.storage, digest=digest)
        transact(services.sessions, away)
    return len(digests)


@cache
def removals(retention_days: int | None) -> Mapping[str, Sequence[Callable[[Session], int]]]:
    """Return, by the name that metrics and logs use, functions that remove a limited number of
    old rows and return how many they removed.
    """
    return {
        **{
            rule.table.__tablename__: [partial(remove_some, rule=rule)]
            for rule in rules(retention_days)
        },
        **{
            f"predictions: {task}": [
                partial(remove_predictions, condition=which) for which in conditions
            ]
            for task, conditions in old_predictions().items()
        },
        "batches": [partial(remove_batches, retention_days=retention_days)],
        "votes": [expire_votes],
    }


def forget(services: Services) -> int:
    """Remove rows whose retention time has ended, in small transactions; return how many were
    removed.
    """
    total = 0
    for rows, functions in removals(services.settings.retention_days).items():
        count = sum(_in_pieces(services, remove) for remove in functions)
        if count:
            services.metrics.rows_removed[rows].inc(count)
            log.info("rows removed", rows=rows, count=count)
        total += count
    return total


def begin(metrics: Metrics) -> None:
    """Expose the counters as 0, because a rate needs a value from before the first removal."""
    for rows in (*removals(None), *old_results.COUNTED):
        metrics.rows_removed[rows].inc(0)


def _in_pieces(services: Services, work: Callable[[Session], int]) -> int:
    """Repeat a transaction until it returns 0, at most MOST_PIECES times, with pauses; the next run
    does the rest.
    """
    total, pace = 0, Pace()
    for _ in range(MOST_PIECES):
        count = transact(services.sessions, work)
        total += count
        if count == 0:
            break
        pace.pause()
    return total


def erase_addresses(services: Services) -> int:
    """Erase the URLs and secrets of webhooks that will not be sent again."""
    count = 0
    while some := transact(services.sessions, erase_some):
        count += some
    return count


def retry_index_notes(services: Services) -> int:
    """Queue failed index notes again."""
    return transact(services.sessions, failed_index_notes.retry_failed)


def measure_drift(services: Services) -> int:
    """Store the distribution of the features of this hour's images; returns 0, so that it is not
    logged.
    """
    transact(services.sessions, samples.measure_recent_hours)
    return 0


def _stored(storage: Storage) -> Iterator[StoredObject]:
    return chain(storage.list("objects"), storage.list("thumbnails"))


def _pages(entries: Iterator[StoredObject], size: int) -> Iterator[list[StoredObject]]:
    while page := list(islice(entries, size)):
        yield page


CHORES = (
    Chore("find orphans", 24 * 3600, find_orphans),
    Chore("delete condemned", 60, delete_condemned),
    Chore("forget", 3600, forget),
    Chore(IMAGES, 60, old_results.remove_images),
    Chore(PREDICTIONS, 60, old_results.remove_predictions),
    Chore("erase addresses", 600, erase_addresses),
    Chore("retry index notes", 60, retry_index_notes),
    Chore("measure drift", 300, measure_drift),
)
