"""What stands in the broker, and how it is declared and counted.

Declarations go out without waiting for an answer (`nowait`): a channel is served in order, so the
answer to the request after them stands for all, and a refusal closes the channel.
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
    """The arguments of a queue; a queue keeps those it was first declared with."""
    if queue == DEAD_LETTERS:
        return {"x-queue-type": "quorum"}
    return {
        "x-queue-type": "quorum",
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-delivery-limit": DELIVERY_LIMIT,
    }


def declare_common(channel: Channel) -> None:
    """The exchanges, and the dead-letter queue behind its own."""
    channel.exchange_declare(FINISHED_EXCHANGE, "fanout", durable=True)
    channel.exchange_declare(DEAD_EXCHANGE, "fanout", durable=True)
    declare_queue(channel, DEAD_LETTERS)
    channel.queue_bind(DEAD_LETTERS, DEAD_EXCHANGE)


def declare_queue(channel: Channel, queue: str) -> None:
    """Durable and replicated; nothing changes where it stands already."""
    channel.queue_declare(queue, durable=True, arguments=arguments(queue))


class Inquiry:
    """One question on a connection of its own: declare these queues, how deep are they?"""

    def __init__(self, parameters: URLParameters, queues: Sequence[str]):
        self._queues = tuple(dict.fromkeys((DEAD_LETTERS, *queues)))
        self._depths: dict[str, int] = {}
        self._done = threading.Event()
        self.link = Link(parameters, "inquiry", self._opened, self._done.set, quiet=True)

    def answer(self) -> dict[str, int]:
        """Ready messages by queue. Raises BrokerUnavailable."""
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
