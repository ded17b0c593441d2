"""The announcer: a thread that owns the connection for publishing.

Requests and workers put ids into its queue without waiting. It publishes them in batches, marks the
rows that the broker confirmed, and broadcasts which predictions have finished. If a message is
lost, its row is not marked as announced, and the sweep announces it again.
"""

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from common.broker import Broker, Message, Publisher
from common.database.session import Sessions, transact
from common.errors import Unavailable
from common.predictions import mark_announced
from common.predictions.constants import ANNOUNCE_GRACE
from common.tasks import queue_name
from common.threads import lasting_thread

log = structlog.get_logger(__name__)

BATCH_LIMIT = 256
QUEUE_LIMIT = 50_000  # items; when the broker does not keep up, more are dropped
MARK_EVERY = ANNOUNCE_GRACE / 4  # seconds; well before the sweep would announce the rows again


@dataclass(frozen=True, slots=True)
class Finished:
    """An event: these predictions reached a final state."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Another event for all processes that subscribe to events."""

    body: bytes


Item = tuple[UUID, str] | Finished | Event


class Announcer:
    """Publishes announcements and events in a thread of its own, until it is closed."""

    def __init__(self, broker: Broker, sessions: Sessions):
        self._broker = broker
        self._sessions = sessions
        self._todo: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._confirmed: list[UUID] = []
        self._mark_at = 0.0
        self._is_closing = threading.Event()
        self._thread = lasting_thread("announcer", self._run, self._is_closing)
        self._thread.start()

    def announce(self, id: UUID, task: str, interactive: bool) -> None:
        """Queue a prediction's id for publishing, and return at once. Call it after the COMMIT of
        its row, never before.
        """
        if self._todo.qsize() < QUEUE_LIMIT:
            self._todo.put((id, queue_name(task, interactive)))

    def finished(self, ids: Iterable[UUID]) -> None:
        """Queue the event that wakes requests waiting for these predictions, and return at once."""
        if (finished := tuple(ids)) and self._todo.qsize() < QUEUE_LIMIT:
            self._todo.put(Finished(finished))

    def broadcast(self, body: bytes) -> None:
        """Queue an event for every process that subscribes to events, and return at once."""
        self._todo.put(Event(body))

    def close(self) -> None:
        """Publish everything that was queued so far, then stop the thread."""
        self._is_closing.set()
        self._todo.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        publisher = self._broker.publisher()
        try:
            while True:
                batch, is_last = self._collect()
                try:
                    self._handle(publisher, batch)
                    if is_last or self._is_time_to_mark():
                        self._mark()
                except Exception:
                    log.exception("announcing failed; the sweep will announce these rows")
                if is_last:
                    return
        finally:
            publisher.close()

    def _collect(self) -> tuple[list[Item], bool]:
        """Return up to BATCH_LIMIT queued items, and whether the announcer was closed after them.
        The list is empty if confirmed rows must be marked before another item is queued.
        """
        batch: list[Item] = []
        timeout = MARK_EVERY if self._confirmed else None
        try:
            while len(batch) < BATCH_LIMIT:
                item = self._todo.get(timeout=timeout)
                if item is None:
                    return batch, True
                batch.append(item)
                timeout = 0
        except queue.Empty:
            pass
        return batch, False

    def _handle(self, publisher: Publisher, batch: list[Item]) -> None:
        for item in batch:
            if isinstance(item, Finished):
                publisher.broadcast(encode_ids(item.ids))
            elif isinstance(item, Event):
                publisher.broadcast(item.body)
        rows = [item for item in batch if isinstance(item, tuple)]
        if not rows:
            return
        outcomes = publisher.publish([Message(queue, id.bytes) for id, queue in rows])
        confirmed = [id for (id, _), is_ok in zip(rows, outcomes, strict=True) if is_ok]
        if len(confirmed) < len(rows):
            log.warning(
                "the broker did not confirm; the sweep will announce these rows",
                count=len(rows) - len(confirmed),
            )
        if confirmed and not self._confirmed:
            self._mark_at = time.monotonic() + MARK_EVERY
        self._confirmed += confirmed

    def _is_time_to_mark(self) -> bool:
        """Whether to mark the confirmed rows now: a few times a second, because most rows are
        claimed by then and need no mark.
        """
        is_full = len(self._confirmed) >= BATCH_LIMIT
        return bool(self._confirmed) and (is_full or time.monotonic() >= self._mark_at)

    def _mark(self) -> None:
        ids, self._confirmed = self._confirmed, []
        if not ids:
            return
        try:
            transact(self._sessions, lambda session: mark_announced(session, ids))
        except Unavailable as error:
            log.warning("announced but not marked; announced twice", error=error.detail)


def encode_ids(ids: Iterable[UUID]) -> bytes:
    """Return the body of a `finished` event: the 16 bytes of each id, concatenated."""
    return b"".join(id.bytes for id in ids)


def decode_ids(body: bytes) -> list[UUID]:
    """Return the ids of a `finished` event; an empty list for a body of another format."""
    if len(body) % 16:
        return []
    return [UUID(bytes=body[at : at + 16]) for at in range(0, len(body), 16)]
