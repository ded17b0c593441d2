"""The health check of the engine's container, against a real heartbeat."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.tables import EngineProcess
from engine.heartbeat import Heartbeat
from tests.support.checkout import CHECKOUT
from tests.support.rows.databases import empty, migrate, opened

SCRIPT = CHECKOUT / "docker" / "engine_health.py"


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[Sessions]:
    migrate(database_url, tmp_path)
    with opened(database_url) as sessions:
        empty(sessions)
        yield sessions


@contextmanager
def beating(sessions: Sessions, report: dict[str, Any]) -> Iterator[None]:
    presence = Heartbeat(sessions, new_id(), lambda: report)
    presence.start()
    try:
        _wait_for_a_row(sessions)
        yield
    finally:
        presence.stop()


def _wait_for_a_row(sessions: Sessions) -> None:
    deadline = time.monotonic() + 10
    while not transact(sessions, lambda session: session.scalar(select(EngineProcess.id))):
        assert time.monotonic() < deadline, "no heartbeat was written"
        time.sleep(0.05)


def verdict(url: str, variable: str = "DATABASE_URL") -> tuple[int, str]:
    """Exit code of the check, and what it says."""
    done = subprocess.run(
        [sys.executable, SCRIPT],
        env=os.environ | {variable: url},
        capture_output=True,
        text=True,
        timeout=20,
    )
    return done.returncode, done.stderr.strip()


def test_an_engine_that_beats_is_healthy_whatever_its_tasks_lack(
    served: Sessions, database_url: str
) -> None:
    lacking = {"ready": False, "problem": "there is no model", "model": None}
    with beating(served, {"classify": lacking}):
        assert verdict(database_url) == (0, "")


def test_the_address_of_the_database_may_be_in_a_file(
    served: Sessions, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "database_url"
    path.write_text(f"{database_url}\n")
    with beating(served, {}):
        assert verdict(str(path), "DATABASE_URL_FILE") == (0, "")
    code, said = verdict(str(tmp_path / "nothing"), "DATABASE_URL_FILE")
    assert code == 1
    assert said.startswith("database: ")
    assert "No such file" in said


def test_the_heartbeat_of_another_container_does_not_count(
    served: Sessions, database_url: str
) -> None:
    with beating(served, {}):
        transact(served, lambda session: session.execute(update(EngineProcess).values(name="b:1")))
        assert verdict(database_url) == (1, "no heartbeat for 10 seconds")


def test_an_old_heartbeat_does_not_count(served: Sessions, database_url: str) -> None:
    old = insert(EngineProcess).values(
        id=new_id(), name=f"{socket.gethostname()}:1", report={}, seen_at=now(-11)
    )
    transact(served, lambda session: session.execute(old))
    assert verdict(database_url) == (1, "no heartbeat for 10 seconds")


def test_without_a_database_an_engine_is_not_healthy() -> None:
    code, said = verdict("mysql+pymysql://nobody@127.0.0.1:1/nothing")
    assert code == 1
    assert said.startswith("database: ")
    assert "Traceback" not in said
