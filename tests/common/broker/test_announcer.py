"""The announcer: what it is handed is published, marked and told, without the caller waiting."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from common.announcer import Announcer, decode_ids, encode_ids
from common.broker import Broker, open_broker
from common.database.ids import new_id
from common.database.session import Sessions
from common.tasks import queue_name
from tests.support.rows.prediction_steps import row, sweep_ids

QUEUE = queue_name("classify", False)


@pytest.fixture
def broker() -> Iterator[Broker]:
    broker = open_broker("memory://")
    yield broker
    broker.close()


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_what_is_announced_is_published_and_marked(
    sessions: Sessions, ask: Any, broker: Broker
) -> None:
    ids = ask(300, announced=False)
    announcer = Announcer(broker, sessions)
    for id in ids:
        announcer.announce(id, "classify", False)
    consumer = broker.consumer([QUEUE], 1000)
    seen: list[UUID] = []
    while len(seen) < len(ids) and (deliveries := consumer.receive(500, 10)):
        seen += [UUID(bytes=delivery.body) for delivery in deliveries]
    assert seen == ids
    assert eventually(lambda: all(row(sessions, id).announced_at for id in (ids[0], ids[-1])))
    announcer.close()
    assert sweep_ids(sessions) == []


def test_closing_publishes_and_marks_what_was_handed_over(
    sessions: Sessions, ask: Any, broker: Broker
) -> None:
    [id] = ask(announced=False)
    announcer = Announcer(broker, sessions)
    announcer.announce(id, "classify", False)
    announcer.close()
    assert broker.depths([QUEUE]) == {QUEUE: 1}
    assert row(sessions, id).announced_at


def test_what_has_finished_is_told_to_all(sessions: Sessions, broker: Broker) -> None:
    told: list[bytes] = []
    broker.subscribe(told.append, lambda: None)
    announcer, ids = Announcer(broker, sessions), [new_id(), new_id()]
    announcer.finished(ids)
    announcer.finished([])
    announcer.close()
    assert [decode_ids(body) for body in told] == [ids]


def test_a_body_of_another_make_is_no_event() -> None:
    id = new_id()
    assert decode_ids(encode_ids([id])) == [id]
    assert decode_ids(b"hello") == []
