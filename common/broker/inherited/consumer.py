"""A consumer to which the parent sends messages ahead, up to the prefetch limit."""

import threading
from collections import deque
from collections.abc import Sequence

from common.broker import Delivery
from common.broker.inherited.link import Link, Listener


class InheritedConsumer:
    """Keeps the fetched messages of each queue until `receive` takes them."""

    def __init__(self, link: Link, queues: Sequence[str], prefetch: int):
        self._link = link
        self._changed = threading.Condition()
        self._fetched: dict[str, deque[Delivery]] = {queue: deque() for queue in queues}
        self.is_closed = False
        self._number = link.listen(Listener(self._add, self._drop))
        link.send("consume", self._number, tuple(queues), prefetch)

    def receive(self, limit: int, timeout: float) -> list[Delivery]:
        """Take fetched messages; wait for the first one."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or any(self._fetched.values()), timeout)
            deliveries: list[Delivery] = []
            for fetched in self._fetched.values():
                while fetched and len(deliveries) < limit:
                    deliveries.append(fetched.popleft())
        return deliveries

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge these messages, which makes room for as many."""
        self._settle("ack", deliveries)

    def discard(self, deliveries: Sequence[Delivery]) -> None:
        """Let the parent move these messages to the dead letters."""
        self._settle("discard", deliveries)

    def close(self) -> None:
        """Let the parent return unacknowledged messages to their queues, and wake `receive`."""
        with self._changed:
            was_closed, self.is_closed = self.is_closed, True
        self._drop()
        if not was_closed:
            self._link.forget(self._number)
            self._link.send("close", self._number)

    def _settle(self, how: str, deliveries: Sequence[Delivery]) -> None:
        if deliveries and not self.is_closed:
            self._link.send(how, self._number, list(deliveries))

    def _add(self, deliveries: Sequence[Delivery]) -> None:
        with self._changed:
            for delivery in () if self.is_closed else deliveries:
                self._fetched[delivery.queue].append(delivery)
            self._changed.notify_all()

    def _drop(self) -> None:
        """Forget the fetched messages: they belong to another consumer now."""
        with self._changed:
            for fetched in self._fetched.values():
                fetched.clear()
            self._changed.notify_all()
