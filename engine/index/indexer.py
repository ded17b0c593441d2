"""Writes images to the index, and requests the predictions that the index requires."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from common.callers import ImageAccess
from common.database.session import clock, read, transact
from common.errors import AfterimageError
from common.housekeeping import job_locks
from common.predictions import TaskRequest, create
from common.services import Services
from common.tasks import contract
from engine.index.cache_limits import WRITER_CACHE
from engine.index.documents import Words
from engine.index.image_facts import Findings, gone, look
from engine.index.schedule import PERIOD, Schedule
from engine.index.store import Index

log = structlog.get_logger(__name__)
TIDY = "tidy index"  # name of the job lock


class Indexer:
    """Writes to the index at INDEX_URL."""

    def __init__(self, services: Services, schedule: Schedule | None = None):
        self._sessions = services.sessions
        self._index = Index(services.settings.index_url, WRITER_CACHE)
        self._schedule = schedule or Schedule()
        self._words = Words()

    def index(self, images: Sequence[UUID]) -> int:
        """Index the findable images, remove the others; return how many are findable.

        Raises IndexUnavailable. Indexing an image twice has no effect.
        """
        findings = read(self._sessions, lambda session: look(session, images, self._words))
        self._index.write(findings.documents)
        self._schedule.note_write()
        # Checked again after the write: images deleted meanwhile must not stay in the index.
        self.drop_gone(images)
        if findings.missing:
            transact(self._sessions, lambda session: _request_missing(session, findings))
        return len(findings.documents)

    def indexed(self) -> Iterator[list[UUID]]:
        """Yield the ids of all indexed images, in pages."""
        return self._index.ids()

    def drop_gone(self, images: Sequence[UUID]) -> None:
        """Remove images that have been deleted or are no longer findable."""
        away = read(self._sessions, lambda session: gone(session, images))
        self._index.remove(away)

    def tidy(self) -> None:
        """Compact the index and remove its old versions now."""
        self._index.tidy()
        self._schedule.note_tidied()

    def tidy_when_due(self) -> bool:
        """Tidy if there were enough writes since the last time and no other engine has just done
        it.

        Call it from the writing thread, between two writes. Returns whether it tidied.
        """
        if not self._schedule.is_due():
            return False
        try:
            if transact(self._sessions, lambda s: job_locks.take(s, TIDY, PERIOD)):
                self.tidy()
                return True
        except AfterimageError as error:
            log.warning("index tidying failed", error=error.explained)
        self._schedule.put_off()
        return False


def _request_missing(session: Session, findings: Findings) -> None:
    """Create the predictions that the index requires; the housekeeper announces them."""
    at = clock(session)
    for image, task in findings.missing:
        description = contract(task, internal=True)
        params = description.check_params({})
        request = TaskRequest(
            task=task, params=params, deadline=description.deadline, owner_id=image.owner_id
        )
        create(session, ImageAccess(*image[:5]), [request], at)
