"""The housekeeper's daily and hourly work: orphaned objects, condemned bytes, rows out of date."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import structlog
from sqlalchemy.orm import Session

from common import chores, garbage
from common.db import read, transact
from common.services import Services
from common.storage import StoredObject, object_key
from common.tasks.thumbnail import SIZES, thumbnail_key

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Chore:
    """What one of all engines does every `period` seconds; `do` counts what it did."""

    name: str
    period: float
    do: Callable[[Services], int]


def do_due_chores(services: Services) -> None:
    """Do what is due and nobody else has taken."""
    for chore in CHORES:
        mine = transact(
            services.sessions, partial(chores.take, name=chore.name, period=chore.period)
        )
        if mine and (count := chore.do(services)):
            log.info("housekeeping", chore=chore.name, count=count)


def find_orphans(services: Services) -> int:
    """Condemn the objects that no row knows. Lists the whole store, hence once a day."""
    before = read(services.sessions, garbage.orphaned_before)
    count = 0
    for page in _pages(services.storage.list("objects"), garbage.MOST_AT_ONCE):
        found = read(services.sessions, partial(garbage.orphans, entries=page, before=before))
        transact(services.sessions, partial(garbage.condemn, found=found))
        count += len(found)
    return count


def delete_condemned(services: Services) -> int:
    """Delete the bytes of condemned objects and their thumbnails, each under its row's lock."""
    digests = read(services.sessions, garbage.condemned)
    for digest in digests:
        _delete(services, digest)
    return len(digests)


def _delete(services: Services, digest: bytes) -> None:
    def bury(session: Session) -> None:
        # Deleting twice does no harm, so the transaction may be run again.
        if garbage.hold_condemned(session, digest):
            services.storage.delete(object_key(digest))
            for size in SIZES:
                services.storage.delete(thumbnail_key(digest, size))
            garbage.bury(session, digest)

    transact(services.sessions, bury)


def forget(services: Services) -> int:
    """Remove rows that have served their time."""
    return transact(services.sessions, garbage.forget)


def _pages(entries: Iterator[StoredObject], size: int) -> Iterator[list[StoredObject]]:
    while page := list(islice(entries, size)):
        yield page


CHORES = (
    Chore("find orphans", 24 * 3600, find_orphans),
    Chore("delete condemned", 60, delete_condemned),
    Chore("forget", 3600, forget),
)
