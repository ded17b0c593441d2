"""The deliverer sends due webhooks. Any number may run, in any engine."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy.orm import Session

from common.database.session import Sessions, read, transact
from common.errors import Unavailable
from common.observability.metrics import Metrics, open_metrics
from common.settings import Settings
from common.threads import lasting_thread
from common.webhooks import deliveries
from common.webhooks.deliveries import Due
from common.webhooks.secrets import ensure_roots
from common.webhooks.slots import Owner, Slots
from engine.webhooks.message import Message, compose, headers_of
from engine.webhooks.schedule import STANDARD, Timing
from engine.webhooks.sender import DELIVERED, FAILED, GONE, Answer, Sender

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Deliverer:
    """Claims due deliveries in one thread, and makes each attempt in a thread of its own."""

    def __init__(
        self,
        sessions: Sessions,
        settings: Settings,
        timing: Timing = STANDARD,
        sender: Sender | None = None,
        metrics: Metrics | None = None,
    ):
        self._metrics = metrics or open_metrics()
        for outcome in (DELIVERED, GONE, FAILED):
            self._metrics.webhooks[outcome].inc(0)
        self._sessions = sessions
        self._public_url = settings.public_url
        self._timing = timing
        self._sender = sender or Sender(timing, settings.webhook_allowed_networks)
        self._stop = threading.Event()
        self._freed = threading.Event()
        self._lock = threading.Lock()
        self._hosts = Counter[str]()  # attempts in progress by host
        self._owners = Counter[Owner]()  # the same attempts by owner
        self._thread = lasting_thread("deliverer", self._run, self._stop)

    def start(self) -> None:
        """Start with the deliveries that are due now."""
        self._thread.start()

    def stop(self) -> None:
        """Start no more attempts and wait a little for those in progress. Another engine repeats
        those that take longer once their lease has ended.
        """
        self._stop.set()
        self._freed.set()
        end = time.monotonic() + self._timing.grace
        self._thread.join(self._timing.grace)
        while self.under_way() and time.monotonic() < end:
            self._freed.wait(0.05)
            self._freed.clear()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._freed.clear()
            try:
                count = self.turn()
            except Unavailable as error:
                log.warning("webhooks are delayed", error=error.detail)
                count = 0
            except Exception:
                log.exception("looking for due webhooks failed")
                count = 0
            if not count:
                self._freed.wait(self._timing.poll)

    def turn(self) -> int:
        """Start due attempts as far as there is room; return how many."""
        timing, slots = self._timing, self._slots()
        room = timing.at_once - sum(slots.hosts.values())
        if room <= 0 or not read(self._sessions, deliveries.is_any_due):
            return 0
        start = time.monotonic()
        taken = transact(
            self._sessions,
            lambda session: deliveries.claim_due(session, room, slots, timing.lease),
        )
        for due in taken:
            with self._lock:
                self._hosts[due.host] += 1
                self._owners[due.owner_id] += 1
            self._begin(due, start)
        return len(taken)

    def _slots(self) -> Slots:
        timing = self._timing
        with self._lock:
            return Slots(
                per_host=timing.per_host,
                per_account=timing.per_account,
                anonymous=timing.anonymous,
                hosts=dict(self._hosts),
                owners=dict(self._owners),
            )

    def _begin(self, due: Due, start: float) -> None:
        """Start the attempt's thread. Raises RuntimeError if the system refuses a thread; the
        delivery is repeated when its lease ends.
        """
        work = threading.Thread(
            target=self._deliver, args=(due, start), name="webhook", daemon=True
        )
        try:
            work.start()
        except RuntimeError:
            self._end(due)
            raise

    def _end(self, due: Due) -> None:
        with self._lock:
            self._hosts -= Counter({due.host: 1})
            self._owners -= Counter({due.owner_id: 1})
        self._freed.set()

    def under_way(self) -> int:
        """Return the number of attempts in progress."""
        with self._lock:
            return self._hosts.total()

    def _deliver(self, due: Due, start: float) -> None:
        """Make one attempt whose lease began at `start`."""
        try:
            self._attempt(due, start)
        except Unavailable as error:
            log.warning("webhook attempt failed", id=str(due.prediction_id), error=error.detail)
        except Exception:
            log.exception("webhook attempt failed", id=str(due.prediction_id))
        finally:
            self._end(due)

    def _attempt(self, due: Due, start: float) -> None:
        message = self._composed(due)
        if message is None:
            pause = self._timing.put_off
            transact(self._sessions, lambda session: deliveries.put_off(session, due, pause))
            return
        headers = headers_of(message)
        if time.monotonic() - start > self._timing.margin:
            return  # the attempt could outlast the lease, and another engine could send too
        answer = self._sender.send(due.url, headers, message.text.encode())
        self._note(due, message, answer, start + self._timing.lease)

    def _composed(self, due: Due) -> Message | None:
        """Return the message to send; creates the service's root secret before its first
        message.
        """
        composing = partial(compose, due=due, public_url=self._public_url)
        message = read(self._sessions, composing)
        if message is not None and not message.secrets:
            transact(self._sessions, ensure_roots)
            message = read(self._sessions, composing)
        return message

    def _note(self, due: Due, message: Message, answer: Answer, lease_end: float) -> None:
        is_latest = self._until(lease_end, lambda session: self._write(session, due, answer))
        self._metrics.webhooks[answer.outcome].inc()
        log.info(
            "webhook",
            id=message.id,
            host=due.host,
            attempt=due.attempt,
            status=answer.status,
            error=answer.error or None,
            is_latest=is_latest,
        )

    def _write(self, session: Session, due: Due, answer: Answer) -> bool:
        status = answer.status or 0
        if answer.outcome == DELIVERED:
            return deliveries.note_delivered(session, due, status)
        if answer.outcome == GONE:
            return deliveries.note_gone(session, due, status)
        error = answer.error or f"the receiver answered {answer.status}"
        pause = self._timing.pause_after(due.attempt)
        return deliveries.note_failed(session, due, answer.status, error, pause)

    def _until(self, end: float, work: Callable[[Session], Any]) -> Any:
        """Repeat a transaction until `end`, so that a short outage of the database does not cause a
        second sending.
        """
        while True:
            try:
                return transact(self._sessions, work)
            except Unavailable:
                if time.monotonic() >= end or self._stop.wait(0.5):
                    raise
