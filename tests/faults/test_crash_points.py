"""A crash at every point of the crash table: what was accepted is finished, once."""

import json
import signal
from pathlib import Path
from uuid import UUID

import pytest

from common.broker import open_broker
from common.database.session import now
from common.storage import object_key, open_storage
from common.tasks import queue_name
from tests.faults.clients import Clients
from tests.faults.crashing import API_POINTS, CODE, ENGINE_POINTS
from tests.faults.ledger import check
from tests.faults.stack import FaultStack
from tests.support.http.calls import get, until
from tests.support.rows.prediction_steps import rewrite

UPLOADS = 8
QUEUE = queue_name("classify", interactive=False)


@pytest.fixture
def fired(tmp_path: Path) -> Path:
    """Exists once the point has fired."""
    return tmp_path / "fired"


@pytest.mark.parametrize("point", API_POINTS)
def test_an_api_that_crashes_keeps_every_promise(
    stack: FaultStack, fired: Path, point: str
) -> None:
    stack.ensure_engines()
    stack.apis[0].stop()
    stack.start_api(0, f"{point}:3", CRASH_FIRED=str(fired))
    with Clients(stack.urls[:1], point, count=2) as clients:
        clients.send(UPLOADS)
    until(fired.exists, 30, f"a crash at {point}")
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert ledger.accepted == UPLOADS, "a client that asks again with its key is served"
    assert {row["attempts"] for row in ledger.rows.values()} == {1}
    if point in ("before-put", "before-commit", "after-commit"):
        assert ledger.replayed >= 1, "the client saw the connection break"
    stored = open_storage(stack.environ["STORAGE_URL"])
    for upload in clients.uploads:
        assert stored.get(object_key(upload.sha256)) == upload.data


@pytest.mark.parametrize("point", ENGINE_POINTS)
def test_an_engine_that_crashes_loses_nothing_and_does_nothing_twice(
    stack: FaultStack, fired: Path, point: str
) -> None:
    stack.stop_engines()
    # One worker: a second one may hold claims of its own when the process ends.
    engine = stack.start_engine(0, point, CRASH_FIRED=str(fired), ENGINE_WORKERS="1")
    with Clients(stack.urls, point, count=2) as clients:
        clients.send(UPLOADS)
    assert engine.process.wait(30) == CODE
    assert fired.exists()
    stack.start_engine(0)
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert ledger.accepted == UPLOADS
    most = max(row["attempts"] for row in ledger.rows.values())
    again = 2 if point in ("after-claim", "before-result") else 1
    assert most == again, "only what was claimed and not finished is done again, and once"
    empty_queue(stack)


def test_the_message_published_twice_is_dropped(stack: FaultStack, fired: Path) -> None:
    """Published, not noted: with no engine to take it, the housekeeper announces it again."""
    stack.stop_engines()
    stack.apis[0].stop()
    stack.start_api(0, "after-publish", CRASH_FIRED=str(fired))
    with Clients(stack.urls[:1], "twice", count=1) as clients:
        clients.send(1)
    until(fired.exists, 30, "a crash after the message was published")
    stack.start_engine(0)
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert [row["attempts"] for row in ledger.rows.values()] == [1]
    empty_queue(stack)


def test_a_frozen_engine_that_wakes_after_its_lease_writes_nothing(
    stack: FaultStack, fired: Path
) -> None:
    stack.stop_engines()
    # What the broker hands to the frozen one comes back when its heartbeat is missed.
    broker = {"BROKER_URL": stack.environ["BROKER_URL"] + "?heartbeat=2"}
    how = {"CRASH_FIRED": str(fired), "CRASH_HOW": "freeze"}
    frozen = stack.start_engine(0, "after-claim", **how, **broker)
    with Clients(stack.urls, "frozen", count=1) as clients:
        clients.send(1)
    until(fired.exists, 30, "an engine frozen with the result in its hands")
    [[id]] = [upload.ids for upload in clients.uploads]
    rewrite(stack.sessions, [UUID(id)], lease_until=now(-1), check_at=now(-1))
    other = stack.start_engine(1)
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert ledger.rows[id]["attempts"] == 2
    before = frozen.log.read_text()
    frozen.process.send_signal(signal.SIGCONT)
    until(lambda: len(frozen.log.read_text()) > len(before), 30, "the frozen engine to wake")
    until(lambda: dropped(frozen.log, id), 30, "its batch to be dropped")
    assert get(f"{stack.urls[-1]}/v1/predictions/{id}").json() == ledger.rows[id]
    other.stop()
    empty_queue(stack)


def dropped(log: Path, id: str) -> bool:
    """Whether the engine of this log wrote nothing for the prediction."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return any(id in line.get("ids", ()) and line["final"] == 0 for line in lines)


def empty_queue(stack: FaultStack) -> None:
    """Whatever is left in the queue is taken and dropped."""
    broker = open_broker(stack.environ["BROKER_URL"])
    until(lambda: broker.depths([QUEUE])[QUEUE] == 0, 30, "the queue to be empty")
    broker.close()
