"""`amqp://`: the broker on RabbitMQ. The only place that imports pika.

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
    """Opens the parts and remembers them until it is closed."""

    def __init__(self, url: str):
        self._parameters = parse(url)
        self._lock = threading.Lock()
        self._parts: list[Part] = []

    def ensure(self, queues: Sequence[str]) -> None:
        """On a short connection of its own, which also makes it a test of the broker."""
        Inquiry(self._parameters, queues).answer()

    def publisher(self) -> AmqpPublisher:
        """Connects in its own thread."""
        publisher = AmqpPublisher(self._parameters)
        self._keep(publisher)
        return publisher

    def consumer(self, queues: Sequence[str], prefetch: int) -> AmqpConsumer:
        """Connects in its own thread."""
        consumer = AmqpConsumer(self._parameters, queues, prefetch)
        self._keep(consumer)
        return consumer

    def subscribe(
        self, on_event: Callable[[bytes], None], on_reconnect: Callable[[], None]
    ) -> AmqpSubscription:
        """Connects in its own thread, and waits for the outcome of the first attempt."""
        subscription = AmqpSubscription(self._parameters, on_event, on_reconnect)
        self._keep(subscription)
        return subscription

    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """On a short connection of its own: a declaration's answer says how many are ready."""
        depths = Inquiry(self._parameters, queues).answer()
        return {queue: depths[queue] for queue in queues}

    def close(self) -> None:
        """All parts at the same time: together they take no longer than the slowest."""
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
    """Contacts nobody yet. Raises SettingsError for a URL that cannot be used."""
    # A loss is one line, and a link writes it; pika would write a dozen, with stack traces.
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    return AmqpBroker(url)
