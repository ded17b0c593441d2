"""`amqp://`: the broker on RabbitMQ. Only this package imports pika.

Publisher, consumer and subscription each own a connection and the thread that drives it.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from common.broker.amqp.connection import parse
from common.broker.amqp.consumer import AmqpConsumer
from common.broker.amqp.publisher import AmqpPublisher
from common.broker.amqp.subscription import AmqpSubscription
from common.broker.amqp.topology import Inquiry

Part = AmqpPublisher | AmqpConsumer | AmqpSubscription


class AmqpBroker:
    """Opens publishers, consumers and subscriptions, and closes them with itself."""

    def __init__(self, url: str):
        self._parameters = parse(url)
        self._lock = threading.Lock()
        self._parts: list[Part] = []

    def ensure(self, queues: Sequence[str]) -> None:
        """Declare on a temporary connection, which also tests the broker."""
        Inquiry(self._parameters, queues).answer()

    def publisher(self) -> AmqpPublisher:
        """Return a publisher, which connects in its own thread."""
        publisher = AmqpPublisher(self._parameters)
        self._keep(publisher)
        return publisher

    def consumer(self, queues: Sequence[str], prefetch: int) -> AmqpConsumer:
        """Return a consumer, which connects in its own thread."""
        consumer = AmqpConsumer(self._parameters, queues, prefetch)
        self._keep(consumer)
        return consumer

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> AmqpSubscription:
        """Return a subscription, which connects in its own thread; waits for the outcome of the
        first attempt.
        """
        subscription = AmqpSubscription(self._parameters, on_event, on_reconnect)
        self._keep(subscription)
        return subscription

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return the number of ready messages, from the answers to declarations on a temporary
        connection.
        """
        depths = Inquiry(self._parameters, queues).answer()
        return {queue: depths[queue] for queue in queues}

    def close(self) -> None:
        """Close all connections at the same time, so that it takes no longer than the slowest."""
        with self._lock:
            parts, self._parts = self._parts, []
        for part in parts:
            part.link.begin_close()
        for part in parts:
            part.close()

    def _keep(self, part: Part) -> None:
        with self._lock:
            self._parts = [one for one in self._parts if not one.link.closed] + [part]


def open_amqp(url: str) -> AmqpBroker:
    """Return a broker that is not connected yet. Raises SettingsError for an invalid URL."""
    # A link logs a lost connection in one line; pika would write a dozen, with stack traces.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    return AmqpBroker(url)
