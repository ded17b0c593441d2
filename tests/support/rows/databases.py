"""Databases with our tables in them, on every backend."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine, delete, literal, make_url, select, union_all
from sqlalchemy.orm import Session

from common.database.session import Sessions, open_database, transact
from common.tables import Base
from tests.support.checkout import CHECKOUT

INI = CHECKOUT / "migrations" / "alembic.ini"
# URLs of the databases that this process has found at the newest revision.
_newest: set[str] = set()


def run_migrations(url: str, folder: Path, to: str = "head") -> None:
    """Bring the database at `url` to the revision `to` with Alembic."""
    _newest.discard(url)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)
        environment.setenv("DATA_DIR", str(folder))
        (command.downgrade if to == "base" else command.upgrade)(Config(str(INI)), to)


def migrate(url: str, folder: Path) -> None:
    """Bring the database at `url` to the newest revision, without running Alembic if possible.

    A new SQLite file is written as a copy of a migrated one, and a database that already is at the
    newest revision is left as it is. Tests of the migrations call `run_migrations` instead.
    """
    file = make_url(url).database
    if url.startswith("sqlite") and file and not Path(file).exists():
        Path(file).write_bytes(migrated_sqlite_file())
    elif url not in _newest:
        if _revision(url) != _newest_revision():
            run_migrations(url, folder)
        _newest.add(url)


@cache
def migrated_sqlite_file() -> bytes:
    """Return the content of a SQLite file with all tables and no rows."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.db"
        run_migrations(f"sqlite:///{file}", Path(folder))
        return file.read_bytes()


@cache
def _newest_revision() -> str | None:
    return ScriptDirectory.from_config(Config(str(INI))).get_current_head()


def _revision(url: str) -> str | None:
    engine = create_engine(without_tls(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def without_tls(url: str) -> str:
    """Return `url` without TLS, unless it asks for it: PyMySQL reads the system's certificates for
    every connection, which takes longer than most tests.
    """
    address = make_url(url)
    if address.get_backend_name() != "mysql" or any(key.startswith("ssl") for key in address.query):
        return url
    plain = address.update_query_dict({"ssl_disabled": "1"})
    return plain.render_as_string(hide_password=False)


@contextmanager
def opened(url: str) -> Iterator[Sessions]:
    """Sessions on `url`, closed at the end."""
    sessions = open_database(without_tls(url))
    try:
        yield sessions
    finally:
        sessions.engine.dispose()


def empty(sessions: Sessions) -> None:
    """Remove every row. One statement finds the tables that have rows."""
    tables = {table.name: table for table in reversed(Base.metadata.sorted_tables)}
    with_rows = union_all(
        *(
            select(literal(name)).where(select(literal(1)).select_from(table).exists())
            for name, table in tables.items()
        )
    )

    def work(session: Session) -> None:
        names = set(session.scalars(with_rows))
        for table in (table for name, table in tables.items() if name in names):
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
