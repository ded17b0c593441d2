"""The broker stopped, killed and wiped (F4 of docs/fault-model.md), duplicates (F8), junk (F10)."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import update

from common.broker import Message, open_broker
from common.database.ids import new_id
from common.database.session import now, read, transact
from common.tables import Prediction, State
from common.tasks import queue_name
from tests.faults.clients import Clients, Upload
from tests.faults.ledger import check
from tests.faults.stack import FaultStack, Servers
from tests.support.brokers import take_dead_letters
from tests.support.http.calls import get, until
from tests.support.rows.prediction_steps import rewrite
from tests.support.servers.private import RunningServer

QUEUE = queue_name("classify", interactive=False)
UPLOADS = 60
SLOWEST = 2.0  # seconds, generous: what an upload may take is measured by the long form
GONE: dict[str, Callable[[RunningServer], None]] = {
    "stopped": RunningServer.stop,
    "killed": RunningServer.kill,
    "wiped": RunningServer.wipe,
}


@pytest.mark.parametrize("how", GONE)
def test_uploads_go_on_without_a_broker_and_are_finished_when_it_is_back(
    stack: FaultStack, servers: Servers, how: str
) -> None:
    with Clients(stack.urls, f"broker-{how}", count=4) as clients:
        clients.send(UPLOADS // 3)
        until(lambda: all(upload.is_accepted for upload in clients.uploads), 30, "the first")
        # RabbitMQ 3.10 does not bring a quorum queue back that is half a second old when killed.
        time.sleep(1)
        GONE[how](servers.broker)
        try:
            clients.send(2 * UPLOADS // 3)
            until(lambda: all(upload.is_accepted for upload in clients.uploads), 60, "the rest")
        finally:
            servers.broker.start()
    ledger = check(stack, clients.uploads, within=90)
    assert ledger.is_clean, ledger
    assert {answer for upload in clients.uploads for answer in upload.answers} == {202}
    assert max(upload.seconds for upload in clients.uploads) < SLOWEST
    assert {row["attempts"] for row in ledger.rows.values()} == {1}


def test_what_a_wiped_broker_had_confirmed_is_announced_again(
    stack: FaultStack, servers: Servers
) -> None:
    """The messages are gone, the rows say that they were announced; time moves by rewriting."""
    stack.stop_engines()
    probes = [probe for url in stack.urls for probe in until_connected(stack, url)]
    with Clients(stack.urls, "confirmed", count=2) as clients:
        clients.send(UPLOADS)
    confirmed = ids_of(clients.uploads)
    until(lambda: all_announced(stack, confirmed), 30, "all messages to be confirmed")
    servers.broker.wipe()
    servers.broker.start()
    uploads = [*probes, *clients.uploads]
    ids = ids_of(uploads)
    past = {"announced_at": now(-61), "check_at": now(-1)}
    rewrite(stack.sessions, ids, **past)
    claims = update(Prediction).where(Prediction.id.not_in(ids)).values(started_at=now(-61))
    transact(stack.sessions, lambda session: session.execute(claims))
    stack.start_engine(0)
    ledger = check(stack, uploads, within=60)
    assert ledger.is_clean, ledger
    assert ledger.accepted == len(uploads) > UPLOADS


def until_connected(stack: FaultStack, url: str) -> list[Upload]:
    """Upload until this API has one confirmed, though no engine's housekeeper is there to help;
    nobody announces those before it until one is.
    """
    with Clients([url], f"connected-{url}", count=1) as clients:

        def is_connected() -> bool:
            [upload] = clients.send(1)
            until(lambda: upload.ids, 10, "the upload to be accepted")
            time.sleep(1)  # more than the announcer takes to note a confirm
            return all_announced(stack, ids_of([upload]))

        until(is_connected, 30, "the API to be connected again")
    return clients.uploads


def ids_of(uploads: list[Upload]) -> list[UUID]:
    return [UUID(id) for upload in uploads for id in upload.ids]


def all_announced(stack: FaultStack, ids: list[UUID]) -> bool:
    rows = read(stack.sessions, lambda session: [session.get(Prediction, id) for id in ids])
    return all(row is not None and row.announced_at is not None for row in rows)


def test_the_same_message_ten_times_gives_one_result(stack: FaultStack) -> None:
    broker = open_broker(stack.environ["BROKER_URL"])
    publisher = broker.publisher()
    stack.stop_engines()
    [upload] = uploaded(stack, "ten", 1)
    [id] = upload.ids
    ten = [Message(QUEUE, UUID(id).bytes)] * 10
    assert all(publisher.publish(ten))
    stack.start_engine(0)
    ledger = check(stack, [upload])
    assert ledger.is_clean, ledger
    assert (ledger.rows[id]["status"], ledger.rows[id]["attempts"]) == (State.SUCCEEDED, 1)
    assert all(publisher.publish(ten)), "and again, now that it is finished"
    until(lambda: broker.depths([QUEUE])[QUEUE] == 0, 30, "the queue to be empty")
    assert check(stack, uploaded(stack, "after ten", 1)).is_clean
    assert get(f"{stack.urls[-1]}/v1/predictions/{id}").json() == ledger.rows[id]
    broker.close()


def uploaded(stack: FaultStack, name: str, count: int) -> list[Upload]:
    with Clients(stack.urls, name, count=1) as clients:
        return clients.send(count)


def test_junk_messages_become_dead_letters_and_stop_nobody(stack: FaultStack) -> None:
    broker = open_broker(stack.environ["BROKER_URL"])
    stack.ensure_engines()
    junk = [b"junk", b"", b"x" * 15, b"\0" * 17, "prédiction".encode(), new_id().bytes]
    take_dead_letters(broker, seconds=0.5)  # other tests' junk
    publisher = broker.publisher()
    assert all(publisher.publish([Message(QUEUE, body) for body in junk]))
    ledger = check(stack, uploaded(stack, "beside junk", 5))
    assert ledger.is_clean, ledger
    found = take_dead_letters(broker, seconds=20, most=len(junk))
    assert sorted(found) == sorted(junk)
    assert take_dead_letters(broker, seconds=0.5) == [], "each of them once"
    broker.close()
