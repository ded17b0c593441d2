"""Brings images into the index, and asks for what was never asked of them."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from common.database.session import clock, read, transact
from common.errors import AfterimageError
from common.housekeeping import job_locks
from common.predictions import TaskRequest, create
from common.services import Services
from common.tasks import contract
from engine.index.cache_limits import WRITER_CACHE
from engine.index.documents import Words
from engine.index.image_facts import Findings, gone, look
from engine.index.maintenance import PERIOD, Schedule
from engine.index.store import Index

log = structlog.get_logger(__name__)
TIDY = "tidy index"  # the chore's name


class Indexer:
    """Writes to the index that the settings name."""

    def __init__(self, services: Services, schedule: Schedule | None = None):
        self._sessions = services.sessions
        self._index = Index(services.settings.index_url, WRITER_CACHE)
        self._schedule = schedule or Schedule()
        self._words = Words()

    def index(self, images: Sequence[UUID]) -> int:
        """Index those that are findable, take out the others; returns how many are findable.

        Raises IndexUnavailable. Doing it twice does no harm.
        """
        found = read(self._sessions, lambda session: look(session, images, self._words))
        self._index.write(found.documents)
        self._schedule.note_write()
        # Looked at again when it is written: what was deleted meanwhile must not stay.
        self.drop_gone(images)
        if found.missing:
            transact(self._sessions, lambda session: _ask(session, found))
        return len(found.documents)

    def indexed(self) -> Iterator[list[UUID]]:
        """The ids of all that is indexed, in pages."""
        return self._index.ids()

    def drop_gone(self, images: Sequence[UUID]) -> None:
        """Take those out that are deleted, or in nobody's results any more."""
        away = read(self._sessions, lambda session: gone(session, images))
        self._index.remove(away)

    def tidy(self) -> None:
        """Compact the index and remove its old versions now."""
        self._index.tidy()
        self._schedule.note_tidied()

    def tidy_when_due(self) -> bool:
        """Tidy if enough was written since the last time and no other engine has just done it.

        Call it from the thread that writes, between two writes. Returns whether it was done.
        """
        if not self._schedule.is_due(self._index.count):
            return False
        try:
            if transact(self._sessions, lambda s: job_locks.take(s, TIDY, PERIOD)):
                self.tidy()
                return True
        except AfterimageError as error:
            log.warning("index tidying failed", error=error.explained)
        self._schedule.put_off()
        return False


def _ask(session: Session, found: Findings) -> None:
    """Whoever can be found should be: labels and a vector are asked for, and announced by the
    housekeeper.
    """
    at = clock(session)
    for image, task in found.missing:
        wanted = contract(task)
        params = wanted.check_params({})
        asked = TaskRequest(
            task=task, params=params, deadline=wanted.deadline, owner_id=image.owner_id
        )
        create(session, image, [asked], at)
