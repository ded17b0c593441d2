"""`python -m migrations wait`: returns when the database is as new as the release, or newer."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from migrations.waiting import lack
from tests.support.checkout import CHECKOUT
from tests.support.rows.databases import INI, opened, run_migrations
from tests.support.services.processes import OURS


@pytest.fixture(params=["sqlite", "served"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return str(request.getfixturevalue("database_url"))


def test_what_is_missing_is_said_until_nothing_is(url: str, tmp_path: Path) -> None:
    run_migrations(url, tmp_path)
    run_migrations(url, tmp_path, "base")
    assert lack(url, INI) == "the database is at nothing"
    run_migrations(url, tmp_path, "0001")
    assert lack(url, INI) == "the database is at 0001"
    run_migrations(url, tmp_path)
    assert lack(url, INI) == ""


def test_a_newer_release_than_this_one_is_good_enough(url: str, tmp_path: Path) -> None:
    run_migrations(url, tmp_path)
    with opened(url) as sessions, sessions.engine.begin() as connection:
        [old] = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert lack(url, INI) == ""
    finally:
        with opened(url) as sessions, sessions.engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{old}'"))


def test_a_database_that_does_not_answer_is_waited_for() -> None:
    said = lack("mysql+pymysql://nobody@127.0.0.1:1/nothing", INI)
    assert said == "the database does not answer: OperationalError"


def test_the_command_waits_and_then_returns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    environ = {name: value for name, value in os.environ.items() if name not in OURS}
    environ |= {"DATABASE_URL": url, "DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "migrations", "wait"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environ, stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr
        assert "waiting, the database is at nothing" in waiting.stderr.readline()
        run_migrations(url, tmp_path)
        assert waiting.wait(30) == 0
