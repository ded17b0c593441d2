"""The database: connecting, the clock, and the one way to run a transaction.

Everything here works the same on SQLite, MariaDB 10.11+ and MySQL 8.4+.
"""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import structlog
from sqlalchemy import (
    BigInteger,
    BindParameter,
    CursorResult,
    Engine,
    Executable,
    Insert,
    create_engine,
    insert,
    literal,
    select,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from common.columns import Moment
from common.errors import Unavailable
from common.sqlite import Turn, sqlite

log = structlog.get_logger(__name__)
T = TypeVar("T")

# The server gave up on a whole unit so that another could go on: deadlock, lock wait time-out,
# "record has changed since last read" (MariaDB's snapshot isolation). Running it again is the cure.
ROLLED_BACK = {1213, 1205, 1020}
TRIES = 5
WAIT = 3  # seconds that a request may wait for a connection or a lock, on MySQL for both:
WAIT_FOR_CONNECTION = 1
WAIT_FOR_LOCK = 2
RERUN_WITHIN = 1.0  # seconds from its begin: later, running a unit again would take too long


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or has no connection or lock to give within `WAIT` seconds."""

    default_code = "database_unavailable"


class CommitUnknown(DatabaseUnavailable):
    """The connection broke during COMMIT: it may have happened. Read again, never insert again."""


class now(FunctionElement[datetime]):  # noqa: N801  (reads as the SQL function that it is)
    """The database's clock, `seconds` from now (negative: ago); predictions know no other."""

    type = Moment()
    inherit_cache = True

    def __init__(self, seconds: float | BindParameter[int] = 0):
        """`seconds` may be a parameter, which then is given in microseconds."""
        is_given = not isinstance(seconds, BindParameter)
        super().__init__(literal(round(seconds * 1e6), BigInteger) if is_given else seconds)


@compiles(now, "mysql")
@compiles(now, "mariadb")
def _now_mysql(element: now, compiler: SQLCompiler, **options: Any) -> str:
    shift = compiler.process(element.clauses, **options)
    return f"(NOW(6) + INTERVAL {shift} MICROSECOND)"


@compiles(now, "sqlite")
def _now_sqlite(element: now, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite's clock has milliseconds; three zeros give the six digits that SQLAlchemy stores.
    shift = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', ({shift} / 1e6) || ' seconds')"


CLOCK = select(now())


def clock(session: Session) -> datetime:
    """The database's clock, for what is worked out here before it is written."""
    moment: datetime = execute(session, CLOCK).scalar_one()
    return moment


class Sessions:
    """Where `transact` and `read` get their sessions from: one engine each."""

    def __init__(self, engine: Engine, reading: Engine, turn: Turn | None = None):
        self.engine = engine
        self.turn: AbstractContextManager[None] = turn or nullcontext()
        self._reading = reading
        self.write = sessionmaker(engine, expire_on_commit=False)
        self.read = sessionmaker(reading, expire_on_commit=False)

    def close(self) -> None:
        """Give up all connections; those in use are closed when they come back."""
        self.engine.dispose()
        self._reading.dispose()


def insert_missing(table: type[Any]) -> Insert:
    """INSERT that leaves alone what is there already: its row count says what was entered."""
    statement = insert(table).prefix_with("IGNORE", dialect="mysql")
    return statement.prefix_with("OR IGNORE", dialect="sqlite")


def open_database(url: str, pool: int = 16) -> Sessions:
    """Connect lazily to `url`; at most `pool` connections that write, and as many that read."""
    target = make_url(url)
    if target.get_backend_name() != "mysql":
        engine = sqlite(target, pool, WAIT)
        return Sessions(engine, engine.execution_options(reads_only=True), Turn(WAIT))
    # READ COMMITTED has no gap locks: claims of neighbours do not deadlock. A read of one
    # statement needs no transaction, and so no ROLLBACK, which would cost as much as the read.
    return Sessions(_mysql(target, pool, "READ COMMITTED"), _mysql(target, pool, "AUTOCOMMIT"))


def _mysql(url: URL, pool: int, isolation: IsolationLevel) -> Engine:
    return create_engine(
        url.update_query_dict({"charset": "utf8mb4"}),
        hide_parameters=True,  # errors are logged, parameters hold secrets
        pool_size=pool,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION,
        pool_recycle=1800,
        pool_reset_on_return=None,  # sessions end their transactions themselves
        isolation_level=isolation,
        skip_autocommit_rollback=True,
        connect_args={
            "connect_timeout": WAIT,
            "read_timeout": 30,
            "write_timeout": 30,
            "init_command": f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {WAIT_FOR_LOCK}",
        },
    )


def transact(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Run `work` in a transaction and commit it: all of it happens, or nothing does.

    A unit that the database rolled back for another's sake, or whose connection was lost before
    COMMIT, is run again, so `work` must have no effect but on its session. Raises CommitUnknown
    when the connection broke during COMMIT, DatabaseUnavailable when there is no reaching it.
    """

    def unit(session: Session) -> T:
        result = work(session)
        _commit(session)
        return result

    return _persist(sessions.write, unit, sessions.turn)


def read(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Run `work`, which only reads and waits for no writer; each statement sees what is committed
    by then.
    """
    return _persist(sessions.read, work, nullcontext())


def execute(session: Session, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
    """Execute in the session's transaction without the ORM's bookkeeping, which costs more than the
    statement: for rows that nobody holds as objects.
    """
    return session.connection().execute(statement, parameters)


def _persist(
    sessions: sessionmaker[Session],
    unit: Callable[[Session], T],
    turn: AbstractContextManager[None],
) -> T:
    rerun_until = time.monotonic() + RERUN_WITHIN
    for attempt in range(TRIES):
        try:
            with turn, sessions() as session:
                return unit(session)
        except (DBAPIError, TimeoutError) as error:
            is_last = attempt == TRIES - 1 or time.monotonic() > rerun_until
            if is_last or not _is_worth_another_try(error):
                raise _translated(error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable: the last try returns or raises")


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise CommitUnknown("The database's connection broke during COMMIT.") from error
        raise


def _is_worth_another_try(error: Exception) -> bool:
    """Rolled back for another's sake; or the connection was lost while it lay in the pool (which
    forgets all its connections then): cheaper to meet than to ask each one whether it still lives.
    """
    if not isinstance(error, DBAPIError) or not error.orig or not error.orig.args:
        return False
    return error.connection_invalidated or error.orig.args[0] in ROLLED_BACK


def _translated(error: DBAPIError | TimeoutError) -> Exception:
    """Ours when the database is away or busy; a statement it refused stays what it is: a defect."""
    away = isinstance(error, TimeoutError | OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not away:
        return error
    log.warning("database unavailable", error=str(getattr(error, "orig", error)))
    return DatabaseUnavailable("The database does not answer.")
