"""What lives as long as the process and grows with what it is sent is bounded."""

import threading
from collections.abc import Iterator

import pytest

from common import announcer
from common.announcer import Announcer
from common.broker import DEAD_LETTERS, Broker, Message, memory, open_broker
from common.database.ids import new_id
from common.database.session import Sessions
from common.tasks import queue_name

QUEUE = queue_name("classify", False)


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = open_broker("memory://")
    yield broker
    broker.close()


def test_a_full_queue_takes_no_more_until_something_is_done(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MOST", 10)
    publisher = broker.publisher()
    taken = [publisher.publish([Message(QUEUE, new_id().bytes)])[0] for _ in range(12)]
    assert taken == [True] * 10 + [False] * 2
    assert publisher.publish([Message("another", b"x")]) == [True]
    consumer = broker.consumer([QUEUE], 5)
    consumer.ack(consumer.receive(1, 1))
    assert publisher.publish([Message(QUEUE, b"x")]) == [True]


def test_the_newest_dead_letters_stay() -> None:
    broker = open_broker("memory://")
    try:
        publisher, consumer = broker.publisher(), broker.consumer([QUEUE], 20_000)
        for number in range(memory.MOST_DEAD + 10):
            publisher.publish([Message(QUEUE, str(number).encode())])
        consumer.discard(consumer.receive(20_000, 1))
        assert broker.depths([DEAD_LETTERS]) == {DEAD_LETTERS: memory.MOST_DEAD}
        [first] = broker.consumer([DEAD_LETTERS], 1).receive(1, 1)
        assert first.body == b"10"
    finally:
        broker.close()


def test_what_is_handed_over_to_a_broker_that_stands_still_is_bounded(
    sessions: Sessions, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of what is dropped are not marked as announced: the housekeeper announces them."""
    monkeypatch.setattr(announcer, "QUEUE_LIMIT", 20)
    entered, let_go = threading.Event(), threading.Event()

    def stand_still(_body: bytes) -> None:
        entered.set()
        let_go.wait(30)

    broker.subscribe(stand_still, lambda: None)
    told = Announcer(broker, sessions)
    told.finished([new_id()])
    assert entered.wait(10)
    for _ in range(100):
        told.announce(new_id(), "classify", False)
        told.finished([new_id()])
    let_go.set()
    told.close()
    assert broker.depths([QUEUE])[QUEUE] <= 20
