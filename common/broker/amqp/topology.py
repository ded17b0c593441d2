"""The broker's queues and exchanges: how they are declared and counted.

Declarations do not wait for an answer (`nowait`): a channel is served in order, so the answer to
the next request covers them, and a refusal closes the channel.
"""

import threading
from collections.abc import Sequence

from pika import URLParameters
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Queue

from common.broker import DEAD_LETTERS, DELIVERY_LIMIT, BrokerUnavailable
from common.broker.amqp.connection import Link

FINISHED_EXCHANGE = "afterimage.finished"
DEAD_EXCHANGE = "afterimage.dead"
ANSWER_SECONDS = 12.0


def arguments(queue: str) -> dict[str, object]:
    """Return the arguments of a queue; an existing queue keeps those of its first declaration."""
    if queue == DEAD_LETTERS:
        return {"x-queue-type": "quorum"}
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def declare_common(channel: Channel) -> None:
    """Declare the exchanges, and the dead-letter queue with its binding."""
    channel.exchange_declare(FINISHED_EXCHANGE, "fanout", durable=True)
    channel.exchange_declare(DEAD_EXCHANGE, "fanout", durable=True)
    declare_queue(channel, DEAD_LETTERS)
    channel.queue_bind(DEAD_LETTERS, DEAD_EXCHANGE)


def declare_queue(channel: Channel, queue: str) -> None:
    """Declare a durable quorum queue; an existing one is not changed."""
    channel.queue_declare(queue, durable=True, arguments=arguments(queue))


class Inquiry:
    """A request on a connection of its own that declares queues and reads their depths."""

    def __init__(self, parameters: URLParameters, queues: Sequence[str]):
        self._queues = tuple(dict.fromkeys((DEAD_LETTERS, *queues)))
        self._depths: dict[str, int] = {}
        self._done = threading.Event()
        self.link = Link(parameters, "inquiry", self._opened, self._done.set, quiet=True)

    def answer(self) -> dict[str, int]:
        """Return the ready messages by queue. Raises BrokerUnavailable."""
        self.link.start()
        self._done.wait(ANSWER_SECONDS)
        why = self.link.reason
        self.link.close()
        if len(self._depths) < len(self._queues):
            cause = ConnectionError(why or "no answer")
            raise BrokerUnavailable("The message broker is not available.") from cause
        return self._depths

    def _opened(self, channel: Channel) -> None:
        declare_common(channel)
        for queue in self._queues:
            channel.queue_declare(
                queue, durable=True, arguments=arguments(queue), callback=self._counted
            )

    def _counted(self, frame: Method[Queue.DeclareOk]) -> None:
        self._depths[frame.method.queue] = frame.method.message_count
        if len(self._depths) == len(self._queues):
            self.link.ready()
            self._done.set()
