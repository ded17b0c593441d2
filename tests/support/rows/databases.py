"""Databases with our tables in them, on every backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import delete
from sqlalchemy.orm import Session

from common.database.session import Sessions, open_database, transact
from common.tables import Base
from tests.support.checkout import CHECKOUT

INI = CHECKOUT / "migrations" / "alembic.ini"


def migrate(url: str, folder: Path, to: str = "head") -> None:
    """Bring the database at `url` to the newest revision, by the real migrations."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)
        environment.setenv("DATA_DIR", str(folder))
        (command.downgrade if to == "base" else command.upgrade)(Config(str(INI)), to)


@contextmanager
def opened(url: str) -> Iterator[Sessions]:
    """Sessions on `url`, closed at the end."""
    sessions = open_database(url)
    try:
        yield sessions
    finally:
        sessions.engine.dispose()


def empty(sessions: Sessions) -> None:
    """Remove every row."""

    def work(session: Session) -> None:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(delete(table))

    transact(sessions, work)


@pytest.fixture(params=["sqlite", "served"])
def sessions(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sessions]:
    """An empty migrated database: SQLite, then MariaDB or MySQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'test.db'}"
    else:
        url = request.getfixturevalue("database_url")
    migrate(url, tmp_path)
    with opened(url) as found:
        empty(found)
        yield found
