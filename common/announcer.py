"""The announcer: a thread that owns the publishing connection.

Requests and workers hand it ids and go on; it publishes them in batches, marks what the broker
confirmed, and tells waiting processes what has finished. Nothing here can be lost for good: a row
that was not marked as announced is announced again by the housekeeper.
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

MOST_AT_ONCE = 256
MOST_WAITING = 50_000  # hand-overs; with more, the broker does not keep up, and they are dropped
MARK_EVERY = ANNOUNCE_GRACE / 4  # seconds: well before the housekeeper would look


@dataclass(frozen=True, slots=True)
class Finished:
    """These predictions reached a final state."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Any other event for all processes that listen."""

    body: bytes


Item = tuple[UUID, str] | Finished | Event


class Announcer:
    """Publishes what it is handed, in its own thread, until it is closed."""

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
        """Publish "look at row `id`"; returns at once. Call it after the COMMIT, never before."""
        if self._todo.qsize() < MOST_WAITING:
            self._todo.put((id, queue_name(task, interactive)))

    def finished(self, ids: Iterable[UUID]) -> None:
        """Wake whoever waits for these predictions; returns at once."""
        if (together := tuple(ids)) and self._todo.qsize() < MOST_WAITING:
            self._todo.put(Finished(together))

    def broadcast(self, body: bytes) -> None:
        """Send this to every process that listens; returns at once."""
        self._todo.put(Event(body))

    def close(self) -> None:
        """Publish what was handed over so far, then stop."""
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
                    log.exception("announcing failed; the housekeeper will announce these rows")
                if is_last:
                    return
        finally:
            publisher.close()

    def _collect(self) -> tuple[list[Item], bool]:
        """What was handed over so far, up to a batch, and whether that was the last of it; nothing
        when there is something to mark before anything else comes.
        """
        batch: list[Item] = []
        timeout = MARK_EVERY if self._confirmed else None
        try:
            while len(batch) < MOST_AT_ONCE:
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
        taken = publisher.publish([Message(queue, id.bytes) for id, queue in rows])
        confirmed = [id for (id, _), yes in zip(rows, taken, strict=True) if yes]
        if len(confirmed) < len(rows):
            log.warning("not announced; the housekeeper will", count=len(rows) - len(confirmed))
        if confirmed and not self._confirmed:
            self._mark_at = time.monotonic() + MARK_EVERY
        self._confirmed += confirmed

    def _is_time_to_mark(self) -> bool:
        """A few times a second: by then most rows are claimed and want no mark any more."""
        is_much = len(self._confirmed) >= MOST_AT_ONCE
        return bool(self._confirmed) and (is_much or time.monotonic() >= self._mark_at)

    def _mark(self) -> None:
        ids, self._confirmed = self._confirmed, []
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
