"""How many connections a process opens, and what background work leaves on a full server."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import (
    PROMPT,
    DatabaseUnavailable,
    Sessions,
    execute,
    open_database,
    read,
    transact,
)
from common.tables import EngineProcess
from tests.support.rows.databases import migrate
from tests.support.servers.private import RunningServer

pytestmark = pytest.mark.faults


@pytest.fixture
def server(own_mariadb: RunningServer) -> RunningServer:
    migrate(own_mariadb.url, own_mariadb.folder)
    return own_mariadb


@pytest.fixture
def outsider(server: RunningServer) -> Iterator[Connection]:
    """Another client's connection."""
    engine = create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def look(session: Session) -> int:
    return len(execute(session, select(EngineProcess.id)).all())


@pytest.mark.parametrize("pool", [1, 3, 6])
def test_a_process_opens_no_more_connections_than_its_pool(
    server: RunningServer, outsider: Connection, pool: int
) -> None:
    sessions = open_database(server.url, pool, PROMPT)
    with ThreadPoolExecutor(16) as threads:
        for _ in range(3):
            writing = [threads.submit(patiently, transact, sessions) for _ in range(8)]
            reading = [threads.submit(patiently, read, sessions) for _ in range(8)]
            assert all(each.result() == 1 for each in writing + reading)
    found = outsider.execute(text("SHOW PROCESSLIST")).all()
    mine = [row for row in found if row[3] == make_url(server.url).database]
    assert 1 <= len(mine) - 1 <= pool, "one is the outsider's"
    sessions.close()


def patiently(run: object, sessions: Sessions) -> int:
    """Come again as clients do when there was no connection for a second."""
    for _ in range(20):
        try:
            return int(run(sessions, lambda session: session.scalar(text("SELECT 1"))))  # type: ignore[operator]
        except DatabaseUnavailable:
            time.sleep(0.05)
    raise AssertionError("no connection in twenty tries")


def test_background_work_leaves_the_last_connections_of_a_full_server(
    server: RunningServer, outsider: Connection
) -> None:
    outsider.execute(text("SET GLOBAL max_connections = 12"))
    behind = open_database(server.url, 32, leaves_room=True)
    met = threading.Barrier(12)

    def stay(session: Session) -> int:
        session.execute(text("SELECT SLEEP(0.5)"))
        return 1

    def work(_: int) -> int:
        met.wait()
        try:
            return transact(behind, stay)
        except DatabaseUnavailable:
            return 0

    with ThreadPoolExecutor(12) as threads:
        busy = threads.map(work, range(12))
        time.sleep(0.3)
        front = open_database(server.url, 2, PROMPT)
        assert read(front, look) == 0, "there is room for the API"
        assert transact(front, look) == 0
        assert sum(busy) >= 6, "and for most of the background work"
    connected = int(outsider.execute(text("SHOW STATUS LIKE 'Threads_connected'")).one()[1])
    assert connected < 12, "several that connect at the same moment may take one more each"
    front.close()
    behind.close()


def test_a_server_that_shortens_texts_and_reads_sql_in_its_own_way_is_told_not_to(
    server: RunningServer, outsider: Connection
) -> None:
    lenient = "PIPES_AS_CONCAT,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE"
    outsider.execute(text(f"SET GLOBAL sql_mode = '{lenient}'"))
    sessions = open_database(server.url)

    def enter(name: str) -> Callable[[Session], object]:
        row = {"id": new_id(), "name": name, "report": {}}
        return lambda session: execute(session, insert(EngineProcess), row)

    transact(sessions, enter(odd := "a\\'\"b %s"))
    with pytest.raises(DataError):
        transact(sessions, enter("x" * 10_000))
    names = read(sessions, lambda session: session.scalars(select(EngineProcess.name)).all())
    assert names == [odd]
    sessions.close()
