"""Consume over AMQP: messages are prefetched, and acks are sent in groups."""

import threading
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import structlog
from pika import BasicProperties, URLParameters
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic

from common.broker import Delivery
from common.broker.amqp.connection import Link
from common.broker.amqp.topology import declare_common, declare_queue

log = structlog.get_logger(__name__)

CONSUME_AGAIN_SECONDS = 1.0
"""Like DECLARE_AGAIN_SECONDS: the broker must first cancel the other consumers of the queue."""


class Receipt(NamedTuple):
    """A delivery tag, which is only valid on its channel."""

    channel: Channel
    tag: int


class AmqpConsumer:
    """A consumer whose link thread fills one deque per queue, and sends the acks."""

    def __init__(self, parameters: URLParameters, queues: Sequence[str], prefetch: int):
        self._prefetch = prefetch
        self._changed = threading.Condition()
        self._fetched: dict[str, deque[Delivery]] = {queue: deque() for queue in queues}
        self._closed = False
        self._channel: Channel | None = None
        self._unacked: set[int] = set()
        self._settled: deque[tuple[Delivery, bool]] = deque()
        self._flush_due = False
        self.link = Link(parameters, "consumer", self._opened, self._lost)
        self.link.start()

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Take prefetched messages; wait for the first one."""
        with self._changed:
            self._changed.wait_for(self._has_news, timeout)
            return self._take(limit)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge each message by itself, not all up to a tag, because others may still be in
        progress.
        """
        self._settle(deliveries, accepted=True)

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Reject without requeueing, so that the queue's dead-letter exchange receives them."""
        self._settle(deliveries, accepted=False)

    def close(self) -> None:
        """Send pending acks, then close; the broker requeues the other messages."""
        with self._changed:
            self._closed = True
            self._forget_fetched()
            self._changed.notify_all()
        self.link.close()

    def _has_news(self) -> bool:
        return self._closed or any(self._fetched.values())

    def _take(self, limit: int) -> list[Delivery]:
        taken: list[Delivery] = []
        for waiting in self._fetched.values():
            while waiting and len(taken) < limit:
                taken.append(waiting.popleft())
        return taken

    def _forget_fetched(self) -> None:
        for waiting in self._fetched.values():
            waiting.clear()

    def _settle(self, deliveries: Sequence[Delivery], accepted: bool) -> None:
        # No lock: the flag is cleared before the deque is emptied, so an item appended here is
        # either seen by a flush in progress or schedules the next one.
        self._settled.extend((delivery, accepted) for delivery in deliveries)
        if not self._flush_due:
            self._flush_due = True
            self.link.call(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        while self._settled:
            delivery, accepted = self._settled.popleft()
            if isinstance(delivery.receipt, Receipt):
                self._answer(delivery.receipt, accepted)

    def _answer(self, receipt: Receipt, accepted: bool) -> None:
        channel = self._channel
        if channel is None or channel is not receipt.channel or receipt.tag not in self._unacked:
            return
        self._unacked.discard(receipt.tag)
        if accepted:
            channel.basic_ack(receipt.tag)
        else:
            channel.basic_reject(receipt.tag, requeue=False)

    def _opened(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_cancel_callback(self._cancelled)
        declare_common(channel)
        channel.basic_qos(prefetch_count=self._prefetch)
        for queue in self._fetched:
            self._consume(queue)

    def _consume(self, queue: str) -> None:
        if self._channel is None:
            return
        declare_queue(self._channel, queue)
        self._channel.basic_consume(
            queue,
            on_message_callback=partial(self._arrived, queue),
            consumer_tag=queue,
            callback=self._consuming,
        )

    def _consuming(self, frame: Method[Basic.ConsumeOk]) -> None:
        """Become ready with the last queue: the broker answers in order."""
        if frame.method.consumer_tag == list(self._fetched)[-1]:
            self.link.ready()

    def _arrived(
        self,
        queue: str,
        channel: Channel,
        method: Basic.Deliver,
        _properties: BasicProperties,
        body: bytes,
    ) -> None:
        tag = method.delivery_tag
        self._unacked.add(tag)
        with self._changed:
            if not self._closed:
                delivery = Delivery(queue, body, method.redelivered, Receipt(channel, tag))
                self._fetched[queue].append(delivery)
                self._changed.notify()

    def _cancelled(self, frame: Method[Basic.Cancel]) -> None:
        """Declare a queue that the broker has deleted and consume again, without dropping the
        connection.
        """
        queue = frame.method.consumer_tag
        log.warning("a queue is gone; declaring it and consuming again", queue=queue)
        self.link.call_later(CONSUME_AGAIN_SECONDS, partial(self._consume, queue))

    def _lost(self) -> None:
        self._channel = None
        self._unacked.clear()
        with self._changed:
            self._forget_fetched()
