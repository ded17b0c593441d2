"""The child's side: the broker port over the channel to the parent."""

import socket
import threading
from collections.abc import Callable, Sequence

import structlog

from common.broker import BrokerUnavailable, Message
from common.broker.inherited.consumer import InheritedConsumer
from common.broker.inherited.link import Link, Listener

log = structlog.get_logger(__name__)


class InheritedBroker:
    """The parent's broker, until the parent ends."""

    def __init__(self, end: socket.socket):
        self._link = Link(end)
        self._lock = threading.Lock()
        self._consumers: list[InheritedConsumer] = []

    def ensure(self, queues: Sequence[str]) -> None:
        """Do nothing: a queue exists as soon as it is named."""

    def publisher(self) -> "InheritedPublisher":
        """Return a publisher that can be closed by itself."""
        return InheritedPublisher(self._link)

    def consumer(self, queues: Sequence[str], prefetch: int) -> InheritedConsumer:
        """Return a consumer, to which the parent sends up to `prefetch` messages of each queue."""
        consumer = InheritedConsumer(self._link, queues, prefetch)
        with self._lock:
            self._consumers = [each for each in self._consumers if not each.is_closed] + [consumer]
        return consumer

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> "InheritedSubscription":
        """Subscribe as in the port; `on_reconnect` is never called, because the connection is never
        made again.
        """
        return InheritedSubscription(self._link, on_event)

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return the number of messages that are not delivered yet."""
        depths: dict[str, int] | None = self._link.ask("depths", tuple(queues))
        if depths is None:
            raise BrokerUnavailable("The process that holds the queues does not answer.")
        return depths

    def close(self) -> None:
        """Close all consumers and end the connection."""
        with self._lock:
            consumers, self._consumers = self._consumers, []
        for consumer in consumers:
            consumer.close()
        self._link.close()


class InheritedPublisher:
    """Confirms what the parent has taken."""

    def __init__(self, link: Link):
        self._link = link
        self._is_closed = False

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Publish all messages, or none after close."""
        if self._is_closed or not messages:
            return [False] * len(messages)
        confirmed: list[bool] | None = self._link.ask("publish", list(messages))
        return confirmed or [False] * len(messages)

    def broadcast(self, body: bytes) -> None:
        """Let the parent call the subscribers."""
        if not self._is_closed:
            self._link.send("broadcast", bytes(body))

    def close(self) -> None:
        """Confirm nothing from now on."""
        self._is_closed = True


class InheritedSubscription:
    """One subscriber."""

    def __init__(self, link: Link, on_event: Callable[[bytes], None]):
        self._link = link
        self._on_event = on_event
        self._number = link.listen(Listener(self._tell))
        link.ask("subscribe", self._number)

    def close(self) -> None:
        """Receive no more events."""
        self._link.forget(self._number)
        self._link.send("close", self._number)

    def _tell(self, body: bytes) -> None:
        try:
            self._on_event(body)
        except Exception:
            log.exception("a subscriber failed on an event")
