"""Connections to SQLite, and the lock that lets one thread write at a time."""

import sqlite3
import threading

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import TimeoutError

from common.errors import SettingsError

BUSY = 5  # SQLITE_BUSY; the higher bits of an error's code are details


class WriterLock:
    """A context manager that lets one thread of this process write at a time; raises TimeoutError
    after `wait` seconds.

    SQLite allows one writer and makes the others poll, so that some of many would starve. The
    threads that hold the lock in two processes poll for each other.
    """

    def __init__(self, wait: float):
        self._lock = threading.Lock()
        self._wait = wait

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._wait):
            raise TimeoutError("other writers did not finish in time")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def sqlite(url: URL, pool: int, wait: float) -> Engine:
    """Return an engine that connects lazily and waits up to `wait` seconds for a connection or a
    lock.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise SettingsError("DATABASE_URL must be sqlite:///<file> or mysql+pymysql://…")
    engine = create_engine(
        url,
        hide_parameters=True,  # errors are logged, parameters hold secrets
        pool_size=pool,
        max_overflow=0,
        pool_timeout=wait,
        connect_args={"timeout": wait},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_busy(error: BaseException | None) -> bool:
    """Whether SQLite refused a statement because another process used the file at this moment.

    It usually waits for the other process, but not while that one opens or closes the database.
    """
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == BUSY


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes may fail at once with "locked"; one that begins with
    # the write lock waits for it.
    reads = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
