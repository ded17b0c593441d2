"""index: write what the database holds of images to the search index, in batches."""

import time
from collections.abc import Sequence
from threading import Event
from typing import Any
from uuid import UUID

from common.services import Services
from common.settings import Settings
from engine.decoding.decoder import Decoder
from engine.index.address import refuse_unfit_store
from engine.index.indexer import Indexer
from engine.tasks import WorkerPool

BATCH = 64  # images written at once; every write creates a version of a table
GATHER = 0.5  # seconds between two writes, unless a full batch waits


class IndexRunner:
    """Reads images from the database and writes them to the index; there is no model."""

    model: dict[str, Any] = {}  # noqa: RUF012  (the protocol's attribute; it is never changed)
    batches = True

    def __init__(self, indexer: Indexer, stop: Event):
        self._indexer = indexer
        self._stop = stop
        self._next_write = 0.0  # by the monotonic clock

    def prepare(self, data: bytes, params: dict[str, Any]) -> UUID:
        """Return the image's id."""
        return UUID(params["image_id"])

    def run(
        self, prepared: Sequence[UUID], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Index all images at once; raises IndexUnavailable."""
        begin = time.monotonic()
        self._indexer.index(prepared)
        self._next_write = begin + GATHER if len(prepared) < BATCH else 0.0
        return [{} for _ in prepared]

    def upkeep(self) -> None:
        """Tidy the index if that is due, and wait a moment so that the next batch grows."""
        self._indexer.tidy_when_due()
        if (pause := self._next_write - time.monotonic()) > 0:
            self._stop.wait(pause)


def open_worker_pool(services: Services, stop: Event, decoder: Decoder | None = None) -> WorkerPool:
    """Return a pool of one worker: several writers in an engine would only conflict."""
    return WorkerPool(1, BATCH, lambda _model: IndexRunner(Indexer(services), stop))


def check_settings(settings: Settings) -> None:
    """Raise SettingsError if INDEX_URL names a bucket that cannot hold the index."""
    refuse_unfit_store(settings.index_url)
