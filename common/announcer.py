"""The announcer: a thread that owns the publishing connection.

Requests and workers hand it ids and go on; it publishes them in batches, marks what the broker
confirmed, and tells waiting processes what has finished. Nothing here can be lost for good: a row
that was not marked as announced is announced again by the housekeeper.
"""

import queue
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from common.broker import Broker, Message, Publisher
from common.db import Sessions, transact
from common.errors import Unavailable
from common.predictions import mark_announced
from common.tasks import queue_name

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Finished:
    """These predictions reached a final state."""

    ids: tuple[UUID, ...]


class Announcer:
    """Publishes what it is handed, in its own thread, until it is closed."""

    def __init__(self, broker: Broker, sessions: Sessions):
        self._broker = broker
        self._sessions = sessions
        self._todo: queue.SimpleQueue[tuple[UUID, str] | Finished | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
        self._thread.start()

    def announce(self, id: UUID, task: str, interactive: bool) -> None:
        """Publish "look at row `id`"; returns at once. Call it after the COMMIT, never before."""
        self._todo.put((id, queue_name(task, interactive)))

    def finished(self, ids: Iterable[UUID]) -> None:
        """Wake whoever waits for these predictions; returns at once."""
        if together := tuple(ids):
            self._todo.put(Finished(together))

    def close(self) -> None:
        """Publish what was handed over so far, then stop."""
        self._todo.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        publisher = self._broker.publisher()
        try:
            while (batch := self._collect()) is not None:
                self._handle(publisher, batch)
        finally:
            publisher.close()

    def _collect(self) -> list[tuple[UUID, str] | Finished] | None:
        """Everything handed over so far, up to a batch; None at the end."""
        batch = []
        item = self._todo.get()
        while item is not None:
            batch.append(item)
            if len(batch) == MOST_AT_ONCE or self._todo.empty():
                return batch
            item = self._todo.get()
        if batch:
            self._todo.put(None)
        return batch or None

    def _handle(self, publisher: Publisher, batch: list[tuple[UUID, str] | Finished]) -> None:
        for item in batch:
            if isinstance(item, Finished):
                publisher.broadcast(encode_ids(item.ids))
        rows = [item for item in batch if not isinstance(item, Finished)]
        if not rows:
            return
        taken = publisher.publish([Message(queue, id.bytes) for id, queue in rows])
        confirmed = [id for (id, _), yes in zip(rows, taken, strict=True) if yes]
        if len(confirmed) < len(rows):
            log.warning("not announced; the housekeeper will", count=len(rows) - len(confirmed))
        self._mark(confirmed)

    def _mark(self, ids: list[UUID]) -> None:
        if not ids:
            return
        try:
            transact(self._sessions, lambda session: mark_announced(session, ids))
        except Unavailable as error:
            log.warning("announced but not marked; will be announced twice", error=error.detail)


def encode_ids(ids: Iterable[UUID]) -> bytes:
    """The body of a `finished` event: the ids' 16 bytes one after another."""
    return b"".join(id.bytes for id in ids)


def decode_ids(body: bytes) -> list[UUID]:
    """The ids of a `finished` event; a body of another make is empty."""
    if len(body) % 16:
        return []
    return [UUID(bytes=body[at : at + 16]) for at in range(0, len(body), 16)]
