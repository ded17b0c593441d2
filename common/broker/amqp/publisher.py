"""Publish over AMQP with pipelined confirms: many messages are in flight at once."""

import time
from collections.abc import Sequence
from functools import partial

import structlog
from pika import BasicProperties, DeliveryMode, URLParameters
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic, Connection

from common.broker import Message
from common.broker.amqp.confirms import Batch, Confirms
from common.broker.amqp.connection import Link
from common.broker.amqp.topology import FINISHED_EXCHANGE, declare_common, declare_queue

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 5.0

DECLARE_AGAIN_SECONDS = 1.0
"""Seconds until a deleted queue is declared again: if a quorum queue is declared within about
50 ms,
RabbitMQ 3.10 does not cancel the old one's consumers and never delivers to them again."""


class AmqpPublisher:
    """A publisher: any thread passes batches to the link's thread, and only that uses the
    channel.
    """

    def __init__(self, parameters: URLParameters):
        self._persistent = BasicProperties(delivery_mode=DeliveryMode.Persistent)
        self._channel: Channel | None = None
        self._confirms = Confirms()
        self._declared: set[str] = set()
        self._gone: set[str] = set()
        self._last_answer = 0.0
        self._is_blocked = False
        self.link = Link(parameters, "publisher", self._opened, self._lost)
        self.link.start()

    def publish(self, messages: Sequence[Message]) -> list[bool]:
        """Pass the batch to the link's thread and wait for the broker's confirms."""
        deadline = time.monotonic() + CONFIRM_SECONDS
        batch = Batch(messages)
        if messages and self.link.is_up(CONFIRM_SECONDS):
            self.link.call(partial(self._send, batch))
            if not batch.done.wait(max(0.0, deadline - time.monotonic())):
                self.link.call(self._drop_if_silent)
        return list(batch.confirmed)

    def broadcast(self, body: bytes) -> None:
        """Pass the event to the link's thread; it is dropped if the broker is unavailable."""
        self.link.call(partial(self._tell, body))

    def close(self) -> None:
        """Send what was passed before, then close the connection."""
        self.link.close()

    def _opened(self, channel: Channel) -> None:
        self._channel = channel
        self._last_answer = time.monotonic()
        declare_common(channel)
        channel.add_on_return_callback(self._returned)
        channel.connection.add_on_connection_blocked_callback(self._blocked)
        channel.connection.add_on_connection_unblocked_callback(self._unblocked)
        channel.confirm_delivery(self._answered, callback=lambda _: self.link.ready())

    def _lost(self) -> None:
        self._channel = None
        self._is_blocked = False
        self._declared.clear()
        self._gone.clear()
        self._confirms.fail()
        self._confirms = Confirms()

    def _send(self, batch: Batch) -> None:
        if self._channel is None or self._is_blocked:
            batch.done.set()
            return
        self._confirms.expect(batch)
        for queue in {message.queue for message in batch.messages} - self._declared:
            declare_queue(self._channel, queue)
            self._declared.add(queue)
        for message in batch.messages:
            self._channel.basic_publish(
                "", message.queue, message.body, self._persistent, mandatory=True
            )

    def _tell(self, body: bytes) -> None:
        if self._channel is not None and not self._is_blocked:
            self._confirms.skip()
            self._channel.basic_publish(FINISHED_EXCHANGE, "", body)

    def _answered(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        self._last_answer = time.monotonic()
        answer = frame.method
        self._confirms.settle(
            answer.delivery_tag, answer.multiple, confirmed=isinstance(answer, Basic.Ack)
        )

    def _returned(
        self, _channel: Channel, method: Basic.Return, _properties: BasicProperties, _body: bytes
    ) -> None:
        queue = method.routing_key
        self._confirms.unroutable(queue)
        if queue not in self._gone:
            self._gone.add(queue)
            self.link.call_later(DECLARE_AGAIN_SECONDS, partial(self._declare_again, queue))
            log.warning("a queue is gone; it will be declared again", queue=queue)

    def _declare_again(self, queue: str) -> None:
        self._gone.discard(queue)
        self._declared.discard(queue)

    def _blocked(self, _connection: object, frame: Method[Connection.Blocked]) -> None:
        """Fail what is in flight: the broker lacks memory or disk and reads nothing for an unknown
        time.
        """
        self._is_blocked = True
        self._confirms.fail()
        log.warning("the broker accepts no messages at present", why=frame.method.reason)

    def _unblocked(self, _connection: object, _frame: Method[Connection.Unblocked]) -> None:
        self._is_blocked = False
        log.info("the broker accepts messages again")

    def _drop_if_silent(self) -> None:
        """Drop a connection without a single answer; a slow one is kept."""
        if time.monotonic() - self._last_answer >= CONFIRM_SECONDS:
            self.link.drop(f"no confirm within {CONFIRM_SECONDS:.0f} s")
