"""A lane's consumer, which subscribes when the first batch is collected.

A lane without a model collects nothing and must not prefetch messages either: they would wait here
instead of going to an engine that has the model.
"""

import threading
from collections.abc import Callable, Sequence

from common.broker import Consumer, Delivery


class LateConsumer:
    """A `Consumer` that the first `receive` opens."""

    def __init__(self, subscribe: Callable[[], Consumer]):
        self._subscribe = subscribe
        self._lock = threading.Lock()
        self._consumer: Consumer | None = None
        self._is_closed = False

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Return messages like `Consumer.receive`; none once this consumer is closed."""
        with self._lock:
            if self._consumer is None and not self._is_closed:
                self._consumer = self._subscribe()
        return self._consumer.receive(limit, timeout) if self._consumer else []

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge like `Consumer.ack`."""
        if self._consumer:
            self._consumer.ack(deliveries)

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Discard like `Consumer.discard`."""
        if self._consumer:
            self._consumer.discard(deliveries)

    def close(self) -> None:
        """Unsubscribe; prefetched messages that are not acknowledged go to other consumers."""
        with self._lock:
            self._is_closed = True
        if self._consumer:
            self._consumer.close()
