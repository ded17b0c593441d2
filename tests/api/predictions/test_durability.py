"""Nothing accepted is lost and nothing is done twice, whatever is killed: the served stack."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from common.broker import Broker, Message, open_broker
from common.database.ids import new_id
from common.database.session import Sessions, read
from common.tables import Image, Prediction, State
from common.tasks import queue_name
from tests.support.brokers import take_dead_letters
from tests.support.http.calls import finished, get, post, until
from tests.support.images.pictures import encode, picture
from tests.support.rows.databases import opened
from tests.support.services.served import Stack
from tests.support.services.served import stack as stack

pytestmark = pytest.mark.faults

PREDICTIONS = 200
KILLS = 2  # a row that loses three claimers is given up, so no more than this
QUEUE = queue_name("classify", interactive=False)


@pytest.fixture
def sessions(stack: Stack, database_url: str) -> Iterator[Sessions]:
    with opened(database_url) as found:
        yield found


@pytest.fixture
def broker(stack: Stack, broker_url: str) -> Iterator[Broker]:
    found = open_broker(broker_url)
    yield found
    found.close()


def ask(url: str, number: int) -> str:
    """A prediction on an image of its own; returns the accepted id."""
    data = encode(picture("RGB", (320 + number, 240)), "JPEG")
    sent = {"data": {"task": "classify"}, "files": {"file": (f"{number}.jpg", data)}}
    answer = post(f"{url}/v1/predictions?fresh=true", **sent)
    assert answer.status_code == 202
    return str(answer.json()["id"])


def count(sessions: Sessions, *conditions: Any) -> int:
    rows = select(func.count()).select_from(Prediction).where(*conditions)
    return read(sessions, lambda session: session.scalar(rows)) or 0


def test_an_engine_killed_in_the_middle_loses_nothing(stack: Stack, sessions: Sessions) -> None:
    before = count(sessions)
    with ThreadPoolExecutor(8) as threads:
        accepted = threads.map(lambda number: ask(stack.base_url, number), range(PREDICTIONS))
        hit = sum(kill_in_the_middle(stack, sessions, before, kill) for kill in range(KILLS))
        ids = list(accepted)
    rows = finished(stack.base_url, ids, seconds=120)
    assert hit > 0, "no kill hit a prediction in the middle"
    assert len(set(ids)) == len(rows) == PREDICTIONS
    assert {row["status"] for row in rows.values()} == {State.SUCCEEDED}
    assert count(sessions) == before + PREDICTIONS, "none too many"
    attempts = [row["attempts"] for row in rows.values()]
    assert sum(attempts) <= PREDICTIONS + hit, "only what was in the middle was done again"
    assert max(attempts) <= 1 + KILLS
    for row in rows.values():
        assert get(row["urls"]["get"]).json() == row, "a final state never changes"


def kill_in_the_middle(stack: Stack, sessions: Sessions, before: int, kill: int) -> int:
    """SIGKILL once some are done; returns how many predictions were in the engine's hands."""
    some = PREDICTIONS * (kill + 1) // (KILLS + 2)
    done = (Prediction.state == State.SUCCEEDED,)
    until(lambda: count(sessions, *done) >= before + some, 60, f"{some} predictions")
    assert stack.engine is not None
    stack.engine.kill()
    hit = count(sessions, Prediction.state == State.PROCESSING)
    assert count(sessions, *done) < before + PREDICTIONS, "the kill came too late"
    stack.start_engine()
    return hit


def test_the_same_message_ten_times_gives_one_result(
    stack: Stack, sessions: Sessions, broker: Broker
) -> None:
    assert stack.engine is not None
    stack.engine.stop()
    id = ask(stack.base_url, 0)
    publisher = broker.publisher()
    ten = [Message(QUEUE, UUID(id).bytes)] * 10
    assert all(publisher.publish(ten))
    stack.start_engine()
    row = finished(stack.base_url, [id], seconds=60)[id]
    assert (row["status"], row["attempts"]) == (State.SUCCEEDED, 1)
    assert all(publisher.publish(ten)), "and again, now that it is finished"
    publisher.close()
    until(lambda: broker.depths([QUEUE])[QUEUE] == 0, 30, "the queue to be empty")
    finished(stack.base_url, [ask(stack.base_url, 1)], seconds=60)
    assert get(row["urls"]["get"]).json() == row
    here = Prediction.image_id == UUID(row["image_id"])
    assert count(sessions, here) == 1
    images = select(func.count()).select_from(Image).where(Image.id == UUID(row["image_id"]))
    assert read(sessions, lambda session: session.scalar(images)) == 1


def test_junk_messages_become_dead_letters_and_stop_nobody(stack: Stack, broker: Broker) -> None:
    junk = [b"junk", b"", b"x" * 15, b"\0" * 17, "prédiction".encode(), new_id().bytes]
    take_dead_letters(broker, seconds=0.5)  # other tests' junk
    publisher = broker.publisher()
    assert all(publisher.publish([Message(QUEUE, body) for body in junk]))
    publisher.close()
    row = finished(stack.base_url, [id := ask(stack.base_url, 0)], seconds=60)[id]
    assert row["status"] == State.SUCCEEDED
    found = take_dead_letters(broker, seconds=20, most=len(junk))
    assert sorted(found) == sorted(junk)
    assert take_dead_letters(broker, seconds=0.5) == [], "each of them once"
