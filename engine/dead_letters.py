"""`python -m engine.dead_letters`: show the messages that no engine could use, or throw them away.

Only junk comes here: bodies that are no id, and ids without a row, which may be those of an image
that was deleted while it waited. What failed for good stands in its row, with the reason.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from uuid import UUID

from common.broker import DEAD_LETTERS, Broker, BrokerUnavailable, Consumer, Delivery, Message
from common.database.session import Sessions, read
from common.errors import AfterimageError
from common.observability.logs import configure
from common.services import open_services
from common.settings import Settings
from common.tables import Prediction

PAGE = 100
PATIENCE = 1.0  # seconds without another message: that was all


def main() -> int:
    """0 when the queue could be read."""
    parser = argparse.ArgumentParser(prog="python -m engine.dead_letters", description=__doc__)
    parser.add_argument("--purge", action="store_true", help="throw away what was shown")
    parser.add_argument("--limit", type=int, default=1000, help="messages; default: %(default)s")
    options = parser.parse_args()
    try:
        settings = Settings.from_env()
        configure("warning", settings.log_format)
        with open_services(settings) as services:
            return _show(services.broker, services.sessions, options.limit, options.purge)
    except AfterimageError as error:
        print(f"dead-letters: {error.explained}", file=sys.stderr)
        return 1


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
    """As new messages, before the old ones are acknowledged: giving a message back counts against
    its delivery limit, and the one too many would be its last.
    """
    publisher = broker.publisher()
    try:
        if not all(publisher.publish([Message(DEAD_LETTERS, each.body) for each in page])):
            raise BrokerUnavailable("The message broker did not take the messages back.")
    finally:
        publisher.close()


def describe(sessions: Sessions, body: bytes) -> str:
    """One line on a dead letter."""
    if len(body) != 16:
        return f"{len(body):>5} bytes  not an id   {body[:32]!r}"
    id = UUID(bytes=body)
    row = read(sessions, lambda session: session.get(Prediction, id))
    return f"   16 bytes  {id}  " + (f"{row.task} {row.state}" if row else "no such prediction")


if __name__ == "__main__":
    sys.exit(main())
