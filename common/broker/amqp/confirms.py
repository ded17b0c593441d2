"""Which published message the broker's answers are about; no network in here."""

import threading
from collections.abc import Sequence

from common.broker import Message


class Batch:
    """Messages published together, and what became of each."""

    def __init__(self, messages: Sequence[Message]):
        self.messages = tuple(messages)
        self.confirmed = [False] * len(messages)
        self.done = threading.Event()
        self._open = len(messages)

    def settle(self, index: int, confirmed: bool) -> None:
        """Once for each message; the last one sets `done`."""
        self.confirmed[index] = confirmed
        self._open -= 1
        if not self._open:
            self.done.set()


class Confirms:
    """The outstanding messages of one channel by their delivery tag, which counts from 1."""

    def __init__(self) -> None:
        self._outstanding: dict[int, tuple[Batch, int]] = {}
        self._lowest = 1
        self._next = 1

    def expect(self, batch: Batch) -> None:
        """The batch's messages are the next to be published, in order."""
        for index in range(len(batch.messages)):
            self._outstanding[self._next + index] = (batch, index)
        self._next += len(batch.messages)

    def skip(self) -> None:
        """The next message published is nobody's."""
        self._next += 1

    def settle(self, tag: int, multiple: bool, confirmed: bool) -> None:
        """An ack or a nack of `tag`, or of all up to it. Tags already settled are passed over."""
        if not multiple:
            self._settle(tag, confirmed)
            return
        for one in range(self._lowest, tag + 1):
            self._settle(one, confirmed)
        self._lowest = max(self._lowest, tag + 1)

    def unroutable(self, queue: str) -> None:
        """Nothing outstanding for this queue counts as confirmed any more.

        A return names no tag, only the queue; it comes before the ack of its message. Failing a
        neighbour that did arrive makes a duplicate, which is harmless; the reverse is a loss.
        """
        for tag, (batch, index) in list(self._outstanding.items()):
            if batch.messages[index].queue == queue:
                self._settle(tag, confirmed=False)

    def fail(self) -> None:
        """No answer will come to anything outstanding."""
        for tag in list(self._outstanding):
            self._settle(tag, confirmed=False)

    def _settle(self, tag: int, confirmed: bool) -> None:
        if (found := self._outstanding.pop(tag, None)) is not None:
            found[0].settle(found[1], confirmed)
