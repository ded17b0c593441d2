"""compare: find the groups of copies among the images of an account, for a few seconds a run."""

import time
from collections.abc import Sequence
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from common.database.ids import FIRST_ID
from common.database.session import Sessions, transact
from common.predictions import TaskRequest, create_alone
from common.services import Services
from common.settings import Settings
from common.tasks.compare import CONTRACT
from engine.decoding.decoder import Decoder
from engine.duplicates.groups import comparable, compare_image, next_images
from engine.index.address import refuse_unfit_store
from engine.index.low_priority import low_priority_thread
from engine.index.store import Index
from engine.tasks import WorkerPool

LONGEST = 10.0  # seconds that a run works; the next run continues
SMALL_CACHE = 32 * 2**20  # bytes of the index that are kept in memory


class CompareRunner:
    """Compares images of accounts, in a thread of low priority; there is no model."""

    model: dict[str, Any] = {}  # noqa: RUF012  (the protocol's attribute; it is never changed)

    def __init__(self, sessions: Sessions, index: Index, stop: Event):
        self._sessions = sessions
        self._index = index
        self._stop = stop
        self._thread = low_priority_thread("compare")

    def prepare(self, data: bytes, params: dict[str, Any]) -> UUID:
        """Return the account's id."""
        return UUID(params["owner_id"])

    def run(
        self, prepared: Sequence[UUID], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Compare images of each account; raises IndexUnavailable."""
        return [self._thread.submit(self._compare, owner).result() for owner in prepared]

    def _compare(self, owner: UUID) -> dict[str, Any]:
        end, after, count = time.monotonic() + LONGEST, FIRST_ID, 0
        while images := next_images(self._sessions, owner, after):
            for image in comparable(self._sessions, images):
                if time.monotonic() >= end or self._stop.is_set():
                    transact(self._sessions, lambda session: _continue(session, owner))
                    return {"compared": count, "is_done": False}
                count += compare_image(self._sessions, self._index, owner, image)
            after = images[-1]
        return {"compared": count, "is_done": True}


def _continue(session: Session, owner: UUID) -> None:
    """Create the next run. If this one is repeated, there will be two, which is harmless."""
    params, deadline = {"owner_id": str(owner)}, CONTRACT.deadline
    request = TaskRequest(task=CONTRACT.name, params=params, deadline=deadline, owner_id=owner)
    create_alone(session, request)


def open_worker_pool(services: Services, stop: Event, decoder: Decoder | None = None) -> WorkerPool:
    """Return a pool of one worker: comparing is not urgent."""
    index = Index(services.settings.index_url, SMALL_CACHE)
    return WorkerPool(1, 1, lambda _model: CompareRunner(services.sessions, index, stop))


def check_settings(settings: Settings) -> None:
    """Raise SettingsError if INDEX_URL names a bucket that cannot hold the index."""
    refuse_unfit_store(settings.index_url)
