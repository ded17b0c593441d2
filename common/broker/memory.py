"""`memory://`: a broker in the memory of one process, for standalone and for tests.

It transports bytes, keeps messages until they are acknowledged, and loses nothing while the process
runs.
"""

import itertools
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from common.broker import DEAD_LETTERS, DELIVERY_LIMIT, Delivery, Message

log = structlog.get_logger(__name__)
MOST = 100_000  # messages of a queue; the housekeeper announces the rows of further ones later
MOST_DEAD = 10_000  # dead letters; the newest are kept


@dataclass(slots=True)
class _Entry:
    body: bytes
    returns: int = 0


class MemoryBroker:
    """All queues, and the lock that guards them."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.queues: defaultdict[str, deque[_Entry]] = defaultdict(deque)
        self.queues[DEAD_LETTERS] = deque(maxlen=MOST_DEAD)
        self._consumers: list[MemoryConsumer] = []
        self._subscriptions: list[MemorySubscription] = []
        self.receipts = itertools.count()
        self._closed = False

    def ensure(self, queues: Sequence[str]) -> None:
        """Do nothing: a queue exists as soon as it is named."""

    def publisher(self) -> "MemoryPublisher":
        """Return a publisher that can be closed by itself."""
        return MemoryPublisher(self)

    def consumer(self, queues: Sequence[str], prefetch: int) -> "MemoryConsumer":
        """Return a consumer; several may share a queue, and each message goes to the first that
        receives.
        """
        consumer = MemoryConsumer(self, tuple(queues), prefetch)
        with self.changed:
            self._consumers.append(consumer)
        return consumer

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> "MemorySubscription":
        """Subscribe as in the port; `on_reconnect` is never called, because no event can
        be missed.
        """
        subscription = MemorySubscription(self, on_event)
        with self.changed:
            self._subscriptions.append(subscription)
        return subscription

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return the number of messages that are not delivered yet."""
        with self.changed:
            return {queue: len(self.queues[queue]) for queue in queues}

    def close(self) -> None:
        """Refuse new messages, and close all consumers and subscriptions."""
        with self.changed:
            self._closed = True
            consumers, self._subscriptions = list(self._consumers), []
        for consumer in consumers:
            consumer.close()

    def put(self, messages: Sequence[Message]) -> bool:
        """Append to the queues, unless the broker is closed or one of them is full; returns whether
        it did.
        """
        with self.changed:
            if self._closed or any(len(self.queues[m.queue]) >= MOST for m in messages):
                return False
            for message in messages:
                self.queues[message.queue].append(_Entry(bytes(message.body)))
            self.changed.notify_all()
        return True

    def tell(self, body: bytes) -> None:
        """Call the subscribers outside the lock, because they may publish."""
        with self.changed:
            subscriptions = list(self._subscriptions)
        for subscription in subscriptions:
            subscription.tell(body)

    def forget(self, closed: "MemoryConsumer | MemorySubscription") -> None:
        """Remove a consumer or subscription that has been closed."""
        with self.changed:
            if isinstance(closed, MemoryConsumer):
                self._consumers = [one for one in self._consumers if one is not closed]
            else:
                self._subscriptions = [one for one in self._subscriptions if one is not closed]


class MemoryPublisher:
    """Confirms everything as long as it is open."""

    def __init__(self, broker: MemoryBroker):
        self._broker = broker
        self._closed = False

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Publish all messages, or none after close."""
        taken = not self._closed and self._broker.put(messages)
        return [taken] * len(messages)

    def broadcast(self, body: bytes) -> None:
        """Call the subscribers in this thread, one after another."""
        if not self._closed:
            self._broker.tell(bytes(body))

    def close(self) -> None:
        """Confirm nothing from now on."""
        self._closed = True


class MemoryConsumer:
    """Holds delivered messages until they are acknowledged, at most `prefetch` of each queue."""

    def __init__(self, broker: MemoryBroker, queues: tuple[str, ...], prefetch: int):
        self._broker = broker
        self._queues = queues
        self._prefetch = prefetch
        self._unacked: dict[object, tuple[str, _Entry]] = {}
        self._held: Counter[str] = Counter()
        self._closed = False

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Take messages from the queues directly; nothing is prefetched."""
        with self._broker.changed:
            self._broker.changed.wait_for(lambda: self._closed or self._ready(), timeout)
            deliveries: list[Delivery] = []
            while len(deliveries) < limit and (queue := self._ready()):
                deliveries.append(self._take(queue))
            return deliveries

    def is_ready(self) -> bool:
        """Return whether `receive` would return messages at once; `changed` must be held."""
        return self._ready() is not None

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Forget these messages, which makes room for as many."""
        self._settle(deliveries)

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Move these messages to the dead letters."""
        self._settle(deliveries, dead=True)

    def close(self) -> None:
        """Return unacknowledged messages to their queues, and wake a waiting `receive`."""
        with self._broker.changed:
            self._closed = True
            # From the last to the first, each to the front, which restores the order.
            for queue, entry in reversed(self._unacked.values()):
                entry.returns += 1
                if entry.returns > DELIVERY_LIMIT:
                    self._broker.queues[DEAD_LETTERS].append(_Entry(entry.body))
                else:
                    self._broker.queues[queue].appendleft(entry)
            self._unacked.clear()
            self._broker.changed.notify_all()
        self._broker.forget(self)

    def _ready(self) -> str | None:
        """Return the first queue with a message for this consumer."""
        if self._closed:
            return None
        for queue in self._queues:
            if self._broker.queues[queue] and self._held[queue] < self._prefetch:
                return queue
        return None

    def _take(self, queue: str) -> Delivery:
        entry = self._broker.queues[queue].popleft()
        receipt = next(self._broker.receipts)
        self._unacked[receipt] = (queue, entry)
        self._held[queue] += 1
        return Delivery(queue, entry.body, entry.returns > 0, receipt)

    def _settle(self, deliveries: Sequence[Delivery], dead: bool = False) -> None:
        with self._broker.changed:
            for delivery in deliveries:
                if (held := self._unacked.pop(delivery.receipt, None)) is None:
                    continue
                self._held[held[0]] -= 1
                if dead:
                    self._broker.queues[DEAD_LETTERS].append(_Entry(held[1].body))
            self._broker.changed.notify_all()


class MemorySubscription:
    """One subscriber."""

    def __init__(self, broker: MemoryBroker, on_event: Callable[[bytes], None]):
        self._broker = broker
        self._on_event = on_event
        self._closed = False

    def tell(self, body: bytes) -> None:
        """Call the subscriber; its exceptions are logged."""
        if self._closed:
            return
        try:
            self._on_event(body)
        except Exception:
            log.exception("a subscriber failed on an event")

    def close(self) -> None:
        """Receive no more events."""
        self._closed = True
        self._broker.forget(self)


def open_memory(url: str) -> MemoryBroker:
    """Return a new broker; `memory://` has no options."""
    return MemoryBroker()
