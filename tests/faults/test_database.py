"""The database killed and restarted (F5 of docs/fault-model.md); pool, locks, deadlocks (F13)."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

import pytest
import requests
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from common.database.session import read
from tests.faults.clients import Clients, base_picture, stamped
from tests.faults.ledger import check
from tests.faults.stack import FaultStack, Servers

POOL = 4  # connections of each process
SOONEST = 2.0  # seconds from the database's port being open to the first success
BUSY_SECONDS = 3.5
DEADLOCKS = 3
HASTE = {"Content-Type": "image/jpeg"}


@pytest.fixture
def outsider(servers: Servers) -> Iterator[Connection]:
    """Somebody else's connection to the database, in a transaction of its own."""
    engine = create_engine(servers.database.url, isolation_level="READ COMMITTED")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_killed_database_is_503_and_is_found_again_at_once(
    stack: FaultStack, servers: Servers
) -> None:
    with Clients(stack.urls, "database", count=6) as clients:
        clients.send(60)
        time.sleep(0.3)
        servers.database.kill()
        try:
            clients.send(30)
            time.sleep(2)
        finally:
            servers.database.start()
        back = time.monotonic()
        clients.send(30)
    first = min(upload.done for upload in clients.uploads if upload.done > back)
    assert first - back <= SOONEST
    ledger = check(stack, clients.uploads, within=90)
    assert ledger.is_clean, ledger
    assert ledger.accepted == 120, "who was told 503 and came again was served"
    answers = [answer for upload in clients.uploads for answer in upload.answers]
    assert set(answers) == {202, 503}, "a lost database breaks no connection to us"
    assert half_states(stack) == 0


def half_states(stack: FaultStack) -> int:
    """Images without the prediction that came with them, and predictions without their object."""
    images = "SELECT COUNT(*) FROM images WHERE id NOT IN (SELECT image_id FROM predictions)"
    rows = "SELECT COUNT(*) FROM predictions WHERE sha256 NOT IN (SELECT sha256 FROM objects)"
    return sum(read(stack.sessions, partial(_number, query)) for query in (images, rows))


def _number(query: str, session: Session) -> int:
    return int(session.scalar(text(query)) or 0)


def post(url: str, data: bytes) -> tuple[requests.Response, float]:
    start = time.monotonic()
    path = "/v1/predictions?task=classify"
    answer = requests.post(url + path, data=data, headers=HASTE, timeout=60)
    return answer, time.monotonic() - start


def test_locks_that_are_held_and_a_pool_that_is_empty_are_503_in_time(
    stack: FaultStack, outsider: Connection
) -> None:
    stack.apis[0].stop()
    stack.start_api(0, DATABASE_POOL=str(POOL))
    url = stack.urls[0]
    held, free = stamped(base_picture(1), b"held"), stamped(base_picture(1), b"free")
    stack.known |= {sha256(held).digest(), sha256(free).digest()}
    assert post(url, held)[0].status_code == 202
    outsider.execute(text("SELECT sha256 FROM objects FOR UPDATE"))
    with ThreadPoolExecutor(4 * POOL) as threads:
        first = list(threads.map(lambda _: post(url, held), range(4 * POOL)))
    outsider.rollback()
    for answer, seconds in first:
        assert answer.status_code == 503, answer.text
        assert answer.json()["code"] == "database_unavailable"
        assert int(answer.headers["Retry-After"]) >= 1
        assert seconds <= BUSY_SECONDS, [seconds for _, seconds in first]
    answer, seconds = post(url, free)
    assert (answer.status_code, seconds < 1.0) == (202, True), "nothing is left of the crowd"
    stack.apis[0].stop()
    stack.start_api(0)


def test_nobody_sees_a_deadlock(stack: FaultStack, servers: Servers, outsider: Connection) -> None:
    before, met = deadlocks(outsider), 0
    ended = threading.Event()
    troubling = threading.Thread(target=trouble, args=(servers.database.url, ended))
    troubling.start()
    try:
        with Clients(stack.urls, "deadlock", count=6) as clients:
            for _ in range(30):
                clients.send(20)
                time.sleep(0.4)
                if (met := deadlocks(outsider) - before) >= DEADLOCKS:
                    break
    finally:
        ended.set()
        troubling.join()
    assert met >= DEADLOCKS, "there were too few deadlocks to be seen"
    ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert {answer for upload in clients.uploads for answer in upload.answers} == {202}
    assert {row["attempts"] for row in ledger.rows.values()} == {1}


def deadlocks(connection: Connection) -> int:
    """How many the server has met."""
    query = text("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    return int(connection.execute(query).one()[1])


def trouble(url: str, ended: threading.Event) -> None:
    """Lock young rows, then older ones: the other way round than the engine."""
    engine = create_engine(url, isolation_level="READ COMMITTED")
    young = text("SELECT id FROM predictions ORDER BY id DESC LIMIT 1 FOR UPDATE")
    older = text("SELECT id FROM predictions ORDER BY id DESC LIMIT 40 FOR UPDATE")
    with engine.connect() as connection:
        while not ended.wait(0.01):
            try:
                connection.execute(young)
                ended.wait(0.03)
                connection.execute(older)
            except OperationalError:
                pass  # this time it was our turn to give way
            connection.rollback()
    engine.dispose()
