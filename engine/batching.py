"""A lane's inbox: deliveries in, batches of distinct ids out."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

import structlog
from prometheus_client import Counter

from common.broker import Consumer, Delivery

log = structlog.get_logger(__name__)

Batch = Mapping[UUID, Delivery]
PARKED = 0.1  # seconds until a delivery whose row another engine holds is looked at again


class Inbox:
    """What the workers of one task share: the consumer, and the deliveries put off for a moment."""

    def __init__(self, consumer: Consumer, most: int, junk: Counter):
        self._consumer = consumer
        self._junk = junk
        self._most = most
        self._lock = threading.Lock()
        self._parked: list[tuple[float, Delivery]] = []

    def collect(self, timeout: float) -> Batch:
        """Up to `most` deliveries, those that waited here first; empty when none came in time."""
        waited = self._due()
        room = self._most - len(waited)
        if waited or room < 1:
            timeout = 0
        elif self._parked:
            timeout = min(timeout, PARKED)
        fresh = self._consumer.receive(room, timeout) if room > 0 else []
        return self._distinct([*waited, *fresh])

    def park(self, deliveries: Iterable[Delivery]) -> None:
        """Look at these again soon; they count as redelivered, for their claimer may be gone."""
        due = time.monotonic() + PARKED
        with self._lock:
            self._parked += [(due, replace(delivery, redelivered=True)) for delivery in deliveries]

    def ack(self, deliveries: Iterable[Delivery]) -> None:
        """These are dealt with: what they led to is committed."""
        self._consumer.ack(list(deliveries))

    def discard(self, deliveries: Iterable[Delivery], why: str) -> None:
        """These are junk: to the dead letters with them."""
        if junk := list(deliveries):
            log.warning("junk messages", why=why, bodies=[item.body[:32].hex() for item in junk])
            self._consumer.discard(junk)
            self._junk.inc(len(junk))

    def _due(self) -> list[Delivery]:
        with self._lock:
            at = time.monotonic()
            ready = [delivery for due, delivery in self._parked if due <= at][: self._most]
            taken = {id(delivery) for delivery in ready}
            self._parked = [item for item in self._parked if id(item[1]) not in taken]
        return ready

    def _distinct(self, deliveries: Iterable[Delivery]) -> Batch:
        """By id. A body that is no id is junk; the twin of a message in this batch says nothing."""
        batch: dict[UUID, Delivery] = {}
        twins, junk = [], []
        for delivery in deliveries:
            if len(delivery.body) != 16:
                junk.append(delivery)
            elif (id := UUID(bytes=delivery.body)) in batch:
                twins.append(delivery)
            else:
                batch[id] = delivery
        self.discard(junk, "not an id")
        if twins:
            self.ack(twins)
        return batch
