"""Receive broadcasts over AMQP, on an exclusive queue that exists as long as the connection."""

import uuid
from collections.abc import Callable

import structlog
from pika import BasicProperties, URLParameters
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic

from common.broker.amqp.connection import Link
from common.broker.amqp.topology import FINISHED_EXCHANGE

log = structlog.get_logger(__name__)

FIRST_ANSWER_SECONDS = 5.0


class AmqpSubscription:
    """A subscription whose callbacks run in the link's thread; their exceptions are logged."""

    def __init__(
        self,
        parameters: URLParameters,
        on_event: Callable[[bytes], None],
        on_reconnect: Callable[[], None],
    ):
        self._on_event = on_event
        self._on_reconnect = on_reconnect
        self._missed = False
        self.link = Link(parameters, "subscription", self._opened, self._lost)
        self.link.start()
        self.link.is_up(FIRST_ANSWER_SECONDS)

    def close(self) -> None:
        """Disconnect; the broker then deletes the queue."""
        self.link.close()

    def _opened(self, channel: Channel) -> None:
        # A new name each time: the broker may not have noticed the loss of the old connection yet.
        queue = f"{FINISHED_EXCHANGE}.{uuid.uuid4().hex}"
        channel.add_on_cancel_callback(lambda _: self.link.drop("the subscription's queue is gone"))
        channel.exchange_declare(FINISHED_EXCHANGE, "fanout", durable=True)
        channel.queue_declare(queue, exclusive=True, auto_delete=True)
        channel.queue_bind(queue, FINISHED_EXCHANGE)
        channel.basic_consume(
            queue, on_message_callback=self._arrived, auto_ack=True, callback=self._subscribed
        )

    def _subscribed(self, _frame: Method[Basic.ConsumeOk]) -> None:
        self.link.ready()
        if self._missed:
            self._missed = False
            self._guarded(self._on_reconnect)

    def _arrived(
        self, _channel: Channel, _method: Basic.Deliver, _properties: BasicProperties, body: bytes
    ) -> None:
        self._guarded(lambda: self._on_event(body))

    def _lost(self) -> None:
        self._missed = True

    def _guarded(self, callback: Callable[[], None]) -> None:
        try:
            callback()
        except Exception:
            log.exception("a subscriber failed on an event")
