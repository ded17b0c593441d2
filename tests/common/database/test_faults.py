"""A database server that freezes, cuts COMMITs or is full; clients of it that freeze."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.mysql import IDLE_TRANSACTION
from common.database.session import (
    PROMPT,
    CommitUnknown,
    DatabaseUnavailable,
    Sessions,
    execute,
    open_database,
    read,
    recalled,
    transact,
)
from common.tables import EngineProcess
from tests.faults.proxy import Fault, Proxy
from tests.support.rows.databases import migrate
from tests.support.servers.private import RunningServer

pytestmark = pytest.mark.faults

HOLD = select(EngineProcess.id)


@pytest.fixture
def server(own_mariadb: RunningServer) -> RunningServer:
    migrate(own_mariadb.url, own_mariadb.folder)
    return own_mariadb


@pytest.fixture
def proxy(server: RunningServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def behind(server: RunningServer, proxy: Proxy) -> Iterator[Sessions]:
    """Sessions that reach the server through the proxy, as the API's do."""
    url = make_url(server.url).set(port=proxy.port)
    sessions = open_database(url.render_as_string(hide_password=False), 8, PROMPT)
    yield sessions
    sessions.close()


def enter(session: Session, id: UUID) -> str:
    execute(session, insert(EngineProcess), {"id": id, "name": "x", "report": {}})
    return "written"


def is_stored(session: Session, id: UUID) -> str | None:
    row = HOLD.where(EngineProcess.id == id).with_for_update()
    return "recalled" if execute(session, row).first() else None


def look(session: Session) -> int:
    return len(execute(session, HOLD).all())


def test_an_idle_transaction_does_not_keep_its_locks(
    server: RunningServer, behind: Sessions
) -> None:
    id, frozen = new_id(), threading.Event()
    transact(behind, partial(enter, id=id))

    def hold(session: Session) -> None:
        execute(session, HOLD.where(EngineProcess.id == id).with_for_update())
        if not frozen.is_set():
            frozen.set()
            time.sleep(IDLE_TRANSACTION + 8)

    with ThreadPoolExecutor(1) as threads:
        holder = threads.submit(transact, behind, hold)
        assert frozen.wait(10)
        start = time.monotonic()
        assert is_free_within(IDLE_TRANSACTION + 6, behind, id)
        assert time.monotonic() - start > 1.5, "it was held"
        # It is told so, however: what it wrote in the transaction is gone.
        assert isinstance(holder.exception(30), CommitUnknown)


def is_free_within(seconds: float, sessions: Sessions, id: UUID) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            return bool(transact(sessions, partial(is_stored, id=id)))
        except DatabaseUnavailable:
            continue
    return False


def test_a_frozen_server_costs_the_first_callers_seconds_and_the_others_nothing(
    behind: Sessions, proxy: Proxy
) -> None:
    assert read(behind, look) == 0
    proxy.fault = Fault(mute=True)
    with ThreadPoolExecutor(24) as threads:
        first = list(threads.map(lambda _: seconds_to_fail(behind), range(24)))
        assert max(first) < 2 * PROMPT, "the answer, and a connection that is opened anew"
        later = [seconds_to_fail(behind) for _ in range(20)]
    assert sorted(later)[10] < 0.1, "the circuit is open"
    assert max(later) < PROMPT + 1, "one of them found out whether the server answers"
    proxy.fault = Fault()
    proxy.reset()
    start = time.monotonic()
    while time.monotonic() - start < 5:
        try:
            assert read(behind, look) == 0
            break
        except DatabaseUnavailable:
            time.sleep(0.05)
    assert time.monotonic() - start < 2, "found again at once"


def seconds_to_fail(sessions: Sessions) -> float:
    start = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        read(sessions, look)
    return time.monotonic() - start


def test_one_slow_statement_does_not_shut_the_others_out(behind: Sessions) -> None:
    def slow(session: Session) -> None:
        session.execute(text(f"SELECT SLEEP({PROMPT + 2})"))

    with ThreadPoolExecutor(1) as threads:
        sleeping = threads.submit(read, behind, slow)
        while not sleeping.done():
            assert read(behind, look) == 0
            time.sleep(0.02)
        assert isinstance(sleeping.exception(), DatabaseUnavailable)
    for _ in range(20):
        assert read(behind, look) == 0


def test_a_commit_that_is_still_under_way_is_waited_for(
    server: RunningServer, behind: Sessions, proxy: Proxy
) -> None:
    """The COMMIT is on its way to the server while the client has given its connection up."""
    id, direct = new_id(), open_database(server.url, 2, PROMPT)

    def work(session: Session) -> None:
        enter(session, id)
        proxy.fault = Fault(mute=True)

    with pytest.raises(CommitUnknown):
        transact(behind, work)
    assert read(direct, look) == 0, "what a read without a lock would call lost"
    threading.Timer(0.7, partial(setattr, proxy, "fault", Fault())).start()
    assert recalled(direct, partial(is_stored, id=id)) == "recalled"
    assert read(direct, look) == 1
    direct.close()


def test_an_answer_to_a_commit_that_comes_too_late_is_found(behind: Sessions, proxy: Proxy) -> None:
    id, runs = new_id(), []

    def work(session: Session) -> str:
        written = enter(session, id)
        runs.append(1)
        proxy.fault = Fault(mute=True)
        threading.Timer(PROMPT + 0.5, partial(setattr, proxy, "fault", Fault())).start()
        return written

    assert transact(behind, work, partial(is_stored, id=id)) == "recalled"
    assert runs == [1]
    assert read(behind, look) == 1


def test_an_outcome_that_cannot_be_found_out_is_said_to_be_unknown(
    behind: Sessions, proxy: Proxy
) -> None:
    def work(session: Session) -> str:
        written = enter(session, new_id())
        proxy.fault = Fault(mute=True)
        return written

    start = time.monotonic()
    with pytest.raises(CommitUnknown) as caught:
        transact(behind, work, partial(is_stored, id=new_id()))
    assert time.monotonic() - start < 2 * PROMPT + 1
    assert caught.value.code == "outcome_unknown"
    assert "may or may not" in caught.value.detail


def test_a_commit_that_certainly_did_not_happen_is_done_again(
    behind: Sessions, proxy: Proxy
) -> None:
    id, runs = new_id(), []

    def work(session: Session) -> str:
        written = enter(session, id)
        runs.append(1)
        if len(runs) == 1:
            proxy.reset()
        return written

    assert transact(behind, work, partial(is_stored, id=id)) == "written"
    assert runs == [1, 1]
    assert read(behind, look) == 1
