"""The users that docker/secrets.sh describes: what they may do, on a server with tables in use."""

import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from common.database.session import transact
from common.housekeeping import job_locks
from tests.house.sources import ROOT
from tests.support.rows.databases import opened, run_migrations
from tests.support.servers.private import RunningServer

DENIED = (
    "CREATE TABLE more (id INT)",
    "ALTER TABLE images ADD COLUMN more INT",
    "DROP TABLE images",
    "TRUNCATE TABLE images",
    "SELECT * FROM mysql.user",
    "CREATE USER another",
)


@pytest.fixture
def server(own_mariadb: RunningServer) -> RunningServer:
    """A server whose tables were there before its users, as after an upgrade."""
    run_migrations(own_mariadb.url, own_mariadb.folder)
    return own_mariadb


def make_users(server: RunningServer, secrets: Path) -> None:
    """What the service `database-users` does at every `make up`."""
    subprocess.run(["sh", ROOT / "docker" / "secrets.sh", secrets], check=True)
    statements = (secrets / "mysql_users.sql").read_text().split(";\n")
    engine = create_engine(server.url)
    with engine.begin() as connection:
        for statement in filter(None, statements):
            connection.execute(text(statement))
    engine.dispose()


def address(server: RunningServer, secrets: Path, wing: str) -> str:
    """DATABASE_URL of the API or the engines, on this server."""
    url = make_url((secrets / f"database_url_{wing}").read_text())
    moved = url.set(host="127.0.0.1", port=server.port)
    return moved.render_as_string(hide_password=False)


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_they_change_rows_and_nothing_else(
    server: RunningServer, tmp_path: Path, wing: str
) -> None:
    make_users(server, tmp_path)
    url = address(server, tmp_path, wing)
    with opened(url) as sessions:
        transact(sessions, job_locks.try_to_write)
        for statement in DENIED:
            with sessions.engine.connect() as connection, pytest.raises(DBAPIError, match="denied"):
                connection.execute(text(statement))


def test_a_new_password_holds_from_the_next_up(server: RunningServer, tmp_path: Path) -> None:
    make_users(server, tmp_path)
    before = address(server, tmp_path, "api")
    (tmp_path / "mysql_api_password").write_text("another-password")
    make_users(server, tmp_path)
    with opened(address(server, tmp_path, "api")) as sessions:
        transact(sessions, job_locks.try_to_write)
    with pytest.raises(DBAPIError, match="denied"), create_engine(before).connect():
        pass
