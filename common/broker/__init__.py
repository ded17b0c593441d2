"""The broker port: named queues that hand messages over at least once, and one event for all.

An adapter is picked by the scheme of BROKER_URL: `memory.py` within one process, `amqp/` on
RabbitMQ. Both pass the same contract tests (`tests/common/broker/test_broker.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from common import adapter_schemes
from common.errors import Unavailable

DEAD_LETTERS = "afterimage.dead-letters"
"""The queue of discarded messages; it is read like any other queue."""

DELIVERY_LIMIT = 20
"""A message given back more often than this becomes a dead letter: the last fuse."""

ADAPTERS = {
    "memory": "common.broker.memory:open_memory",
    "amqp": "common.broker.amqp:open_amqp",
    "amqps": "common.broker.amqp:open_amqp",
}


class BrokerUnavailable(Unavailable):
    """The broker cannot be reached, or refuses what was asked of it."""

    default_code = "broker_unavailable"


@dataclass(frozen=True, slots=True)
class Message:
    """What is published: `body` goes to the queue of that name."""

    queue: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as received; `receipt` belongs to the adapter.

    `redelivered` says that the message may have been handed out before, not that anybody looked
    at it: what a consumer had fetched ahead carries the mark too.
    """

    queue: str
    body: bytes
    redelivered: bool
    receipt: object = field(repr=False)


class Publisher(Protocol):
    """Publishes from any thread; a broker that is down is an answer, never an exception."""

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Publish all of them in one go, in order; True where the broker confirmed.

        False means "not known to be in the queue", so that publishing it again may make a
        duplicate. Takes at most 5 s with a broker that is connected but silent, and no time at all
        with one that is known to be away.
        """

    def broadcast(self, body: bytes) -> None:
        """Tell every subscriber; best effort, returns at once."""

    def close(self) -> None:
        """Let go of the broker, within 3 s; afterwards nothing is confirmed any more."""


class Consumer(Protocol):
    """Receives from its queues; every method may be called from any thread."""

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Wait up to `timeout` seconds for the first message, then take what is there, to `limit`.

        Queues named earlier are always served first. Nothing comes while the broker is away.
        """

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Done with these. Returns at once.

        A delivery of a connection lost since is passed over: the broker delivers it again.
        """

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Junk: move these to the dead-letter queue. Returns at once, like `ack`."""

    def close(self) -> None:
        """Stop, within 3 s; what was not acked goes back to its queue, marked as redelivered."""


class Subscription(Protocol):
    """A standing order for every broadcast."""

    def close(self) -> None:
        """Stop, within 3 s."""


class Broker(Protocol):
    """Opens everything else; opening contacts nobody and never fails for a broker that is down."""

    def ensure(self, queues: Sequence[str]) -> None:
        """Declare the queues, the dead-letter queue and the exchanges, where they are missing.

        Raises BrokerUnavailable when that cannot be done now.
        """

    def publisher(self) -> Publisher:
        """A publisher with a connection of its own."""

    def consumer(self, queues: Sequence[str], prefetch: int) -> Consumer:
        """A consumer that holds at most `prefetch` un-acked messages of each queue."""

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> Subscription:
        """Call `on_event` with every broadcast from now on.

        `on_reconnect` is called whenever the subscription stands again after a time in which
        events may have been missed. Both are called in a thread of the broker's: be quick. Waits
        up to 5 s for a broker that is slow to answer.
        """

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """How many messages wait in each queue; missing queues are declared, thus 0.

        Raises BrokerUnavailable when the broker does not say.
        """

    def close(self) -> None:
        """Close whatever was opened here, within 3 s in all."""


def open_broker(url: str) -> Broker:
    """The adapter for BROKER_URL. Raises SettingsError for a URL no adapter can use."""
    broker: Broker = adapter_schemes.open_by_scheme(url, ADAPTERS, setting="BROKER_URL")
    return broker
