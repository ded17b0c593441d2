"""A lane's inbox: it receives messages and returns batches of distinct prediction ids."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter

from common.broker import Consumer, Delivery

log = structlog.get_logger(__name__)

Batch = Mapping[UUID, Delivery]
T = TypeVar("T")
PARKED = 0.1  # seconds after which a message whose row another engine holds is tried again


class Inbox:
    """The consumer and the parked messages that the workers of one lane share."""

    def __init__(self, consumer: Consumer, limit: int, junk: Counter):
        self._consumer = consumer
        self._junk = junk
        self._limit = limit
        self._lock = threading.Lock()
        self._parked: list[tuple[float, Delivery]] = []

    def collect(self, timeout: float) -> Batch:
        """Return up to `limit` messages by prediction id, parked ones first; empty if none arrives
        within `timeout` seconds.
        """
        parked = self._due()
        room = self._limit - len(parked)
        if parked or room < 1:
            timeout = 0
        elif self._parked:
            timeout = min(timeout, PARKED)
        fresh = self._consumer.receive(room, timeout) if room > 0 else []
        return self._distinct([*parked, *fresh])

    def park(self, deliveries: Iterable[Delivery]) -> None:
        """Try these messages again soon. They then count as redelivered, because their claimer may
        have crashed.
        """
        due = time.monotonic() + PARKED
        with self._lock:
            self._parked += [(due, replace(delivery, redelivered=True)) for delivery in deliveries]

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        """Acknowledge messages whose effects are committed."""
        self._consumer.ack(list(deliveries))

    def discard(self, deliveries: Iterable[Delivery], why: str) -> None:
        """Move junk messages to the dead-letter queue."""
        if junk := list(deliveries):
            log.warning("junk messages", why=why, bodies=[item.body[:32].hex() for item in junk])
            self._consumer.discard(junk)
            self._junk.inc(len(junk))

    def _due(self) -> list[Delivery]:
        with self._lock:
            at = time.monotonic()
            ready = [delivery for due, delivery in self._parked if due <= at][: self._limit]
            taken = {id(delivery) for delivery in ready}
            self._parked = [item for item in self._parked if id(item[1]) not in taken]
        return ready

    def _distinct(self, deliveries: Iterable[Delivery]) -> Batch:
        """Return the messages by id. A body that is not an id is junk; a second message with the
        same id is acknowledged without effect.
        """
        batch: dict[UUID, Delivery] = {}
        duplicates, junk = [], []
        for delivery in deliveries:
            if len(delivery.body) != 16:
                junk.append(delivery)
            elif (id := UUID(bytes=delivery.body)) in batch:
                duplicates.append(delivery)
            else:
                batch[id] = delivery
        self.discard(junk, "not an id")
        if duplicates:
            self.ack(duplicates)
        return batch


def all_done(waiting: deque[Future[T]]) -> list[T]:
    """Take the results of all: for a model that runs a batch faster than its items one by one."""
    done = [future.result() for future in waiting]
    waiting.clear()
    return done


def next_done(waiting: deque[Future[T]]) -> list[T]:
    """Take the first result, and the following ones that are ready: the model does not wait until
    the whole batch is decoded.
    """
    done = [waiting.popleft().result()]
    while waiting and waiting[0].done():
        done.append(waiting.popleft().result())
    return done
