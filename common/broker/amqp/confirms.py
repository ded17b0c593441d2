"""Matches the broker's confirms to published messages; without network access."""

import threading
from collections.abc import Sequence

from common.broker import Message


class Batch:
    """Messages published together, and whether each was confirmed."""

    def __init__(self, messages: Sequence[Message]):
        self.messages = tuple(messages)
        self.confirmed = [False] * len(messages)
        self.done = threading.Event()
        self._open = len(messages)

    def settle(self, index: int, confirmed: bool) -> None:
        """Set the outcome of one message, once; the last one sets `done`."""
        self.confirmed[index] = confirmed
        self._open -= 1
        if not self._open:
            self.done.set()


class Confirms:
    """The outstanding messages of one channel by delivery tag, which counts from 1."""

    def __init__(self) -> None:
        self._outstanding: dict[int, tuple[Batch, int]] = {}
        self._lowest = 1
        self._next = 1

    def expect(self, batch: Batch) -> None:
        """Register the batch's messages as the next to be published, in order."""
        for index in range(len(batch.messages)):
            self._outstanding[self._next + index] = (batch, index)
        self._next += len(batch.messages)

    def skip(self) -> None:
        """Skip the tag of the next published message, which belongs to no batch."""
        self._next += 1

    def settle(self, tag: int, multiple: bool, confirmed: bool) -> None:
        """Handle an ack or nack of `tag`, or of all tags up to it. Tags already settled are
        ignored.
        """
        if not multiple:
            self._settle(tag, confirmed)
            return
        for one in range(self._lowest, tag + 1):
            self._settle(one, confirmed)
        self._lowest = max(self._lowest, tag + 1)

    def unroutable(self, queue: str) -> None:
        """Treat all outstanding messages for this queue as not confirmed.

        A return contains no tag, only the queue, and arrives before the ack of its message.
        Treating another message as failed although it arrived creates a duplicate, which is
        harmless; the reverse would be a loss.
        """
        for tag, (batch, index) in list(self._outstanding.items()):
            if batch.messages[index].queue == queue:
                self._settle(tag, confirmed=False)

    def fail(self) -> None:
        """Treat all outstanding messages as not confirmed, because no answer will arrive."""
        for tag in list(self._outstanding):
            self._settle(tag, confirmed=False)

    def _settle(self, tag: int, confirmed: bool) -> None:
        if (entry := self._outstanding.pop(tag, None)) is not None:
            entry[0].settle(entry[1], confirmed)
