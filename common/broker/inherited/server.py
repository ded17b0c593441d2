"""The parent's side: publishes, consumes and subscribes on behalf of the child."""

import socket
from collections import deque
from collections.abc import Sequence
from typing import Any

from common.broker.inherited.channel import Channel, Frame
from common.broker.memory import MemoryBroker, MemoryConsumer, MemoryPublisher, MemorySubscription
from common.threads import lasting_thread

MOST_AT_ONCE = 256  # deliveries in one frame


class BrokerServer:
    """Serves one child until `close`, or until the child closes its end.

    One thread reads what the child sends; another one sends deliveries, events and answers, so that
    a child that reads nothing delays no publisher.
    """

    def __init__(self, broker: MemoryBroker, end: socket.socket):
        self._broker = broker
        self._channel = Channel(end)
        self._publisher = broker.publisher()
        # The following are guarded by `broker.changed`.
        self._consumers: dict[int, MemoryConsumer] = {}
        self._subscriptions: dict[int, MemorySubscription] = {}
        self._outgoing: deque[Frame] = deque()
        self._is_closed = False
        work = {"broker-server-reader": self._read, "broker-server-sender": self._send}
        self._threads = [lasting_thread(name, each) for name, each in work.items()]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Disconnect the child within 3 s; what it has not acknowledged returns to the queues."""
        self._channel.end()
        for thread in self._threads:
            thread.join(timeout=1.5)
        self._channel.close()

    # ---- from the child

    def _read(self) -> None:
        try:
            while True:
                self._handle(*self._channel.receive())
        except OSError:
            self._end()

    def _end(self) -> None:
        """Close everything that the child had open, and let the sender end."""
        with self._broker.changed:
            parts: list[MemoryConsumer | MemorySubscription | MemoryPublisher]
            parts = [*self._consumers.values(), *self._subscriptions.values(), self._publisher]
            self._is_closed = True
            self._broker.changed.notify_all()
        for part in parts:
            part.close()

    def _handle(self, purpose: str, *values: Any) -> None:
        match purpose, *values:
            case "publish", number, messages:
                self._put((number, self._publisher.publish(messages)))
            case "broadcast", body:
                self._publisher.broadcast(body)
            case "depths", number, queues:
                self._put((number, self._broker.depths(queues)))
            case "consume", part, queues, prefetch:
                self._consume(part, queues, prefetch)
            case "ack", part, deliveries if part in self._consumers:
                self._consumers[part].ack(deliveries)
            case "discard", part, deliveries if part in self._consumers:
                self._consumers[part].discard(deliveries)
            case "subscribe", number, part:
                self._subscribe(part)
                self._put((number, True))
            case "close", part:
                self._close_part(part)

    def _consume(self, part: int, queues: Sequence[str], prefetch: int) -> None:
        consumer = self._broker.consumer(queues, prefetch)
        with self._broker.changed:
            self._consumers[part] = consumer
            self._broker.changed.notify_all()

    def _subscribe(self, part: int) -> None:
        def tell(body: bytes) -> None:
            self._put((part, body))

        subscription = self._broker.subscribe(tell, lambda: None)
        with self._broker.changed:
            self._subscriptions[part] = subscription

    def _close_part(self, part: int) -> None:
        with self._broker.changed:
            closed = self._consumers.pop(part, None) or self._subscriptions.pop(part, None)
        if closed:
            closed.close()

    # ---- to the child

    def _put(self, frame: Frame) -> None:
        with self._broker.changed:
            self._outgoing.append(frame)
            self._broker.changed.notify_all()

    def _send(self) -> None:
        try:
            while frames := self._next_frames():
                for frame in frames:
                    self._channel.send(frame)
        except OSError:
            self._channel.end()  # the child is gone: the reader ends, too

    def _next_frames(self) -> list[Frame]:
        """Wait for something to send, and return it; an empty list at the end."""
        with self._broker.changed:
            self._broker.changed.wait_for(self._has_frames)
            if self._is_closed:
                return []
            frames = list(self._outgoing)
            self._outgoing.clear()
            for part, consumer in self._consumers.items():
                if consumer.is_ready():
                    frames.append((part, consumer.receive(MOST_AT_ONCE, 0)))
        return frames

    def _has_frames(self) -> bool:
        has_deliveries = any(each.is_ready() for each in self._consumers.values())
        return self._is_closed or bool(self._outgoing) or has_deliveries
