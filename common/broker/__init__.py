"""The broker port: named queues with at-least-once delivery, and one broadcast event.

The scheme of BROKER_URL selects an adapter: `memory.py` within one process, `amqp/` for RabbitMQ.
`inherited/` lets a child process use the memory of its parent. All pass the same contract tests
(`tests/common/broker/test_broker.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common import adapter_schemes
from common.errors import Unavailable

DEAD_LETTERS = "afterimage.dead-letters"
"""The queue of discarded messages; it is read like any other queue."""

DELIVERY_LIMIT = 20
"""A message returned to its queue more often than this becomes a dead letter: the last
safeguard.
"""

ADAPTERS = {
    "memory": "common.broker.memory:open_memory",
    "amqp": "common.broker.amqp:open_amqp",
    "amqps": "common.broker.amqp:open_amqp",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish: `body` goes to the queue with that name."""

    queue: str
    body: bytes


class BrokerUnavailable(Unavailable):
    """The broker cannot be reached, or refuses a request."""

    default_code = "broker_unavailable"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A received message; `receipt` belongs to the adapter.

    `redelivered` means that the message may have been delivered before, not that it was processed:
    prefetched messages have the mark too.
    """

    queue: str
    body: bytes
    redelivered: bool
    receipt: object = field(repr=False)


class Publisher(Protocol):
    """Publishes from any thread; an unavailable broker is a return value, never an exception."""

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Publish all messages together, in order; True for each that the broker confirmed.

        False means that the message may not be in the queue; publishing it again may create a
        duplicate. Takes at most 5 s with a broker that is connected but does not answer, and no
        time with one that is known to be unavailable.
        """

    def broadcast(self, body: bytes) -> None:
        """Send an event to all subscribers without waiting; it may be lost."""

    def close(self) -> None:
        """Disconnect within 3 s; afterwards nothing is confirmed."""


class Consumer(Protocol):
    """Receives from its queues; thread-safe."""

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Wait up to `timeout` seconds for the first message, then return the available ones, at
        most `limit`.

        Queues listed earlier are always served first. Returns no messages while the broker is
        unavailable.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge these messages. Returns at once.

        Messages of a connection that has been lost since are ignored: the broker delivers them
        again.
        """

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Move these messages to the dead-letter queue. Returns at once, like `ack`."""

    def close(self) -> None:
        """Stop within 3 s; messages that are not acknowledged return to their queues, marked as
        redelivered.
        """


class Subscription(Protocol):
    """A subscription to all broadcasts."""

    def close(self) -> None:
        """Stop within 3 s."""


class Broker(Protocol):
    """Opens publishers, consumers and subscriptions; opening does not fail for an unavailable
    broker.
    """

    def ensure(self, queues: Sequence[str]) -> None:
        """Declare the queues, the dead-letter queue and the exchanges if they are missing.

        Raises BrokerUnavailable if that is not possible now.
        """

    def publisher(self) -> Publisher:
        """Return a publisher with a connection of its own."""

    def consumer(self, queues: Sequence[str], prefetch: int) -> Consumer:
        """Return a consumer that holds at most `prefetch` unacknowledged messages of each queue."""

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> Subscription:
        """Call `on_event` with every broadcast from now on.

        `on_reconnect` is called whenever the subscription works again after a time in which events
        may have been missed. Both are called in a thread of the broker and must return quickly.
        Waits up to 5 s for a broker that is slow to answer.
        """

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages wait in each queue; missing queues are declared, so they have 0.

        Raises BrokerUnavailable if the broker does not answer.
        """

    def close(self) -> None:
        """Close everything that was opened here, within 3 s in total."""


def open_broker(url: str) -> Broker:
    """Return the adapter for BROKER_URL. Raises SettingsError for an invalid URL."""
    broker: Broker = adapter_schemes.open_by_scheme(url, ADAPTERS, setting="BROKER_URL")
    return broker
