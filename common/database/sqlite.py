"""Connections to SQLite, and the lock that lets one thread write at a time."""

import fcntl
import os
import sqlite3
import threading
import time
from contextlib import suppress

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import TimeoutError

from common.errors import SettingsError

LATE = "other writers did not finish in time"
POLL = 0.001  # seconds; most transactions take a few milliseconds
BUSY = 5  # SQLITE_BUSY; the higher bits of an error's code are details


class WriterLock:
    """A context manager that lets one thread write at a time, of all processes that write to the
    database `file`; raises TimeoutError after `wait` seconds.

    SQLite allows one writer and makes the others poll, after pauses of up to 0.1 s, so that some
    starve. Here the threads of a process wait for each other, and only one of them polls for other
    processes. A lock of a process that ends is released by the system.
    """

    def __init__(self, wait: float, file: str):
        self._wait = wait
        self._path = f"{file}-writer"
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        until = time.monotonic() + self._wait
        if not self._lock.acquire(timeout=self._wait):
            raise TimeoutError(LATE)
        try:
            self._lock_file(until)
        except BaseException:
            self._lock.release()
            raise

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            if self._descriptor is not None:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._lock.release()

    def close(self) -> None:
        """Close the file, unless a thread that writes does not end in time."""
        if self._lock.acquire(timeout=self._wait):
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = None
            self._lock.release()

    def _lock_file(self, until: float) -> None:
        """Lock the file; without one, for example on a full disk, writers wait as SQLite does."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _is_locked(self._descriptor):
                if time.monotonic() > until:
                    raise TimeoutError(LATE)
                time.sleep(POLL)
        except OSError:
            return


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
