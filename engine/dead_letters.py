"""`python -m engine.dead_letters`: show the messages that no engine could use, or delete them.

The dead-letter queue contains only junk: bodies that are not an id, and ids without a row, for
example those of an image that was deleted while its prediction was queued. A prediction that failed
is not here; its row has the reason.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from uuid import UUID

from common.broker import DEAD_LETTERS, Broker, BrokerUnavailable, Consumer, Delivery, Message
from common.database.session import Sessions, read
from common.services import Services
from common.tables import Prediction
from engine.command_line import run_program

PAGE = 100
PATIENCE = 1.0  # seconds without a message after which the queue counts as empty


def main() -> int:
    """Return 0 if the queue could be read, else 1."""
    parser = argparse.ArgumentParser(prog="python -m engine.dead_letters", description=__doc__)
    parser.add_argument("--purge", action="store_true", help="delete the messages shown")
    parser.add_argument(
        "--limit", type=int, default=1000, help="maximum number of messages; default: %(default)s"
    )
    options = parser.parse_args()

    def show(services: Services) -> int:
        return _show(services.broker, services.sessions, options.limit, options.purge)

    return run_program("dead-letters", show, log_level="warning")


def _show(broker: Broker, sessions: Sessions, limit: int, purge: bool) -> int:
    waiting = broker.depths([DEAD_LETTERS])[DEAD_LETTERS]
    print(f"{waiting} dead letters")
    consumer = broker.consumer([DEAD_LETTERS], PAGE)
    try:
        for page in _pages(consumer, min(limit, waiting)):
            for delivery in page:
                print(describe(sessions, delivery.body))
            if not purge:
                _put_back(broker, page)
            consumer.ack(page)
    finally:
        consumer.close()
    return 0


def _pages(consumer: Consumer, left: int) -> Iterator[Sequence[Delivery]]:
    while left > 0 and (page := consumer.receive(min(left, PAGE), PATIENCE)):
        yield page
        left -= len(page)


def _put_back(broker: Broker, page: Sequence[Delivery]) -> None:
    """Publish the messages again before the old ones are acknowledged: rejecting a message with
    requeue would count against its delivery limit, and the broker would finally drop it.
    """
    publisher = broker.publisher()
    try:
        if not all(publisher.publish([Message(DEAD_LETTERS, each.body) for each in page])):
            raise BrokerUnavailable("The message broker did not take the messages back.")
    finally:
        publisher.close()


def describe(sessions: Sessions, body: bytes) -> str:
    """Return one line about a dead letter."""
    if len(body) != 16:
        return f"{len(body):>5} bytes  not an id   {body[:32]!r}"
    id = UUID(bytes=body)
    row = read(sessions, lambda session: session.get(Prediction, id))
    return f"   16 bytes  {id}  " + (f"{row.task} {row.state}" if row else "no such prediction")


if __name__ == "__main__":
    sys.exit(main())
