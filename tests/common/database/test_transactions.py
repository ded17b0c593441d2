"""Transactions: all or nothing, run again where that is safe, on every database."""

import contextlib
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, insert, make_url, select, text, update
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from common.database.ids import new_id
from common.database.session import (
    WAIT,
    CommitUnknown,
    DatabaseUnavailable,
    Sessions,
    execute,
    open_database,
    read,
    transact,
)
from common.database.sqlite import WriterLock, sqlite
from common.errors import SettingsError
from common.tables import EngineProcess
from tests.support.checkout import CHECKOUT
from tests.support.rows.databases import migrate, opened
from tests.support.servers.private import RunningServer


def enter(session: Session, id: UUID, name: str = "x") -> None:
    execute(session, insert(EngineProcess), {"id": id, "name": name, "report": {}})


def names(sessions: Sessions) -> set[str]:
    rows = select(EngineProcess.name)
    return read(sessions, lambda session: set(session.scalars(rows)))


def test_an_error_leaves_nothing_behind(sessions: Sessions) -> None:
    def half(session: Session) -> None:
        enter(session, new_id(), "half")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        transact(sessions, half)
    assert names(sessions) == set()


def test_text_of_any_language_and_bytes_of_an_id_come_back(sessions: Sessions) -> None:
    id = new_id()
    transact(sessions, lambda session: enter(session, id, "naïve 🦜 名"))
    found = transact(sessions, lambda session: session.get(EngineProcess, id))
    assert found and (found.id, found.name) == (id, "naïve 🦜 名")


def test_deadlocks_are_run_again_and_seen_by_nobody(sessions: Sessions) -> None:
    first, second = new_id(), new_id()
    for id in (first, second):
        transact(sessions, lambda session, id=id: enter(session, id, "0"))  # type: ignore[misc]
    meet = threading.Barrier(2)
    runs: list[UUID] = []

    def add(session: Session, order: tuple[UUID, UUID]) -> None:
        runs.append(order[0])
        for id in order:
            row = session.get(EngineProcess, id, with_for_update=True)
            assert row is not None
            if len(runs) <= 2 and id == order[0]:
                # SQLite lets only one of the two in, so the other never comes.
                with contextlib.suppress(threading.BrokenBarrierError):
                    meet.wait(0.5)
            change = update(EngineProcess).where(EngineProcess.id == id)
            execute(session, change.values(name=str(int(row.name) + 1)))

    orders = [(first, second), (second, first)]
    threads = [
        threading.Thread(target=transact, args=(sessions, lambda s, o=order: add(s, o)))
        for order in orders
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert names(sessions) == {"2"}


def test_a_defect_is_not_taken_for_an_outage(database_url: str) -> None:
    with opened(database_url) as sessions, pytest.raises(ProgrammingError):
        transact(sessions, lambda session: session.execute(text("SELECT FROM nowhere")))


def test_a_killed_database_is_unavailable_and_then_back(own_mariadb: RunningServer) -> None:
    migrate(own_mariadb.url, own_mariadb.folder)
    with opened(own_mariadb.url) as sessions:
        transact(sessions, lambda session: enter(session, new_id(), "before"))
        own_mariadb.kill()
        with pytest.raises(DatabaseUnavailable):
            names(sessions)
        own_mariadb.restart()
        assert names(sessions) == {"before"}, "at the first try: stale connections are not shown"


def test_a_connection_that_breaks_during_commit_is_told_apart(own_mariadb: RunningServer) -> None:
    migrate(own_mariadb.url, own_mariadb.folder)
    with opened(own_mariadb.url) as sessions:
        runs = []

        def work(session: Session) -> None:
            enter(session, new_id())
            runs.append(1)
            own_mariadb.kill()

        with pytest.raises(CommitUnknown):
            transact(sessions, work)
        assert runs == [1], "never run again"


def test_a_url_that_cannot_be_used_says_which_setting(sessions: Sessions) -> None:
    assert sessions
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        open_database("sqlite://")


def test_writers_that_wait_for_their_turn_take_no_connection_from_readers(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'turns.db'}"
    migrate(url, tmp_path)
    with opened(url) as sessions, ThreadPoolExecutor(24) as threads:

        def write(number: int) -> str:
            def work(session: Session) -> str:
                session.execute(text("SELECT 1"))
                time.sleep(0.08)
                return f"wrote {number}"

            return transact(sessions, work)

        writing = [threads.submit(write, number) for number in range(24)]
        time.sleep(0.3)  # by now the others wait
        pool = sessions.engine.pool
        assert isinstance(pool, QueuePool)
        assert pool.checkedout() == 1, "one writes; the others hold nothing"
        assert read(sessions, lambda session: session.scalar(text("SELECT 7"))) == 7
        assert [each.result() for each in writing] == [f"wrote {n}" for n in range(24)]


def test_a_file_that_another_process_locks_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    """SQLite waits for a writer by itself, but not while a process opens or closes the file."""
    file = tmp_path / "busy.db"
    migrate(f"sqlite:///{file}", tmp_path)
    engine = sqlite(make_url(f"sqlite:///{file}"), 2, wait=0)
    sessions, refused = Sessions(engine, engine, WriterLock(0, str(file))), []
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def unlock(context: ExceptionContext) -> None:
            refused.append(str(context.original_exception))
            if len(refused) == 2:
                other.execute("ROLLBACK")

        event.listen(engine, "handle_error", unlock)
        assert transact(sessions, lambda session: session.scalar(text("SELECT 7"))) == 7
    assert refused == ["database is locked"] * 2
    sessions.close()


HOLDER = """
import sys, time
from sqlalchemy import text
from common.database.session import open_database, transact
def hold(session):
    session.execute(text("SELECT 1"))
    print("writing", flush=True)
    time.sleep(60)
transact(open_database(sys.argv[1]), hold)
"""


def test_writers_of_two_processes_take_turns_even_if_one_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'turns.db'}"
    migrate(url, tmp_path)
    command = [sys.executable, "-c", HOLDER, url]
    with (
        opened(url) as sessions,
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout
        assert other.stdout.readline() == "writing\n"
        start = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            transact(sessions, lambda session: session.execute(text("SELECT 7")))
        assert time.monotonic() - start < 2 * WAIT, "one limit for all locks"
        assert read(sessions, lambda session: session.scalar(text("SELECT 7"))) == 7
        other.kill()
        other.wait()
        assert transact(sessions, lambda session: session.scalar(text("SELECT 7"))) == 7
