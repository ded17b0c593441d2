"""The database: connecting, the clock, and the one way to run a transaction.

Everything here works the same on SQLite, MariaDB 10.11+ and MySQL 8.4+.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    CursorResult,
    Engine,
    Executable,
    Insert,
    insert,
    literal,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from common.database.circuit_breaker import Circuit
from common.database.mysql import mysql
from common.database.sqlite import Turn, sqlite
from common.database.types import Moment
from common.database.unit_of_work import CommitUnknown as CommitUnknown
from common.database.unit_of_work import DatabaseUnavailable as DatabaseUnavailable
from common.database.unit_of_work import got_no_answer, run_unit

T = TypeVar("T")

WAIT = 3  # seconds that a request may wait for a connection or a lock, on MySQL for both:
WAIT_FOR_CONNECTION = 1
WAIT_FOR_LOCK = 2
# An unanswered COMMIT: seconds until its outcome must be known, for one answer, and for a lock. The
# first is shorter when the server did not answer at all: its callers have waited already.
RECALL_WITHIN, RECALL_UNANSWERED = 3.0, 1.0
RECALL_ANSWER, RECALL_LOCK = 1.5, 1
MOST_RECALLS = 3
# Seconds that one answer of the database is waited for:
PROMPT = 3  # where a caller waits; more than a lock is waited for
STEADY = 15  # in the background
PATIENT = 3600  # by migrations
UNKNOWN = (
    "The connection to the database broke while the change was being saved. It may or may not have "
    "been saved: read the resource again before you repeat the request."
)


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

    def __init__(
        self,
        engine: Engine,
        reading: Engine,
        turn: Turn | None = None,
        recalling: Engine | None = None,
    ):
        self.engine = engine
        self.turn: AbstractContextManager[None] = turn or nullcontext()
        self.circuit = Circuit()
        self._engines = (engine, reading, recalling or engine)
        self.write = sessionmaker(engine, expire_on_commit=False)
        self.read = sessionmaker(reading, expire_on_commit=False)
        self.recall = sessionmaker(recalling or engine)

    def close(self) -> None:
        """Give up all connections; those in use are closed when they come back."""
        for engine in self._engines:
            engine.dispose()


def insert_missing(table: type[Any]) -> Insert:
    """INSERT that leaves alone what is there already: its row count says what was entered."""
    statement = insert(table).prefix_with("IGNORE", dialect="mysql")
    return statement.prefix_with("OR IGNORE", dialect="sqlite")


def open_database(
    url: str, pool: int = 24, patience: float = STEADY, *, leaves_room: bool = False
) -> Sessions:
    """Connect lazily to `url` with at most `pool` connections, a third of them for reads.

    An answer is waited for `patience` seconds. `leaves_room` is for work that no caller waits for:
    on a server that is nearly full it leaves the last connections to others.
    """
    target = make_url(url)
    if target.get_backend_name() != "mysql":
        engine = sqlite(target, pool, WAIT)
        return Sessions(engine, engine.execution_options(reads_only=True), Turn(WAIT))
    open_one = partial(mysql, target, wait_for_connection=WAIT_FOR_CONNECTION)
    options: dict[str, Any] = {
        "patience": patience,
        "wait_for_lock": WAIT_FOR_LOCK,
        "leaves_room": leaves_room,
    }
    # READ COMMITTED has no gap locks: claims of neighbours do not deadlock. A read of one
    # statement needs no transaction, and so no ROLLBACK, which would cost as much as the read.
    for_reads = max(1, pool // 3)  # a read takes a fraction of the time of a transaction
    writing = open_one(max(1, pool - for_reads), "READ COMMITTED", **options)
    reading = (
        open_one(for_reads, "AUTOCOMMIT", **options)
        if pool > 1
        else writing.execution_options(isolation_level="AUTOCOMMIT")
    )
    recalling = open_one(0, "READ COMMITTED", patience=RECALL_ANSWER, wait_for_lock=RECALL_LOCK)
    return Sessions(writing, reading, recalling=recalling)


def transact(
    sessions: Sessions,
    work: Callable[[Session], T],
    recall: Callable[[Session], T | None] | None = None,
) -> T:
    """Run `work` in a transaction and commit it: all of it happens, or nothing does.

    A unit that the database rolled back for another's sake, or whose connection was lost before
    COMMIT, is run again, so `work` must have no effect but on its session. When the connection
    broke during COMMIT, `recall` finds out what happened, as `recalled` says: its answer is
    returned, or `work` is run again. Raises CommitUnknown when that cannot be found out,
    DatabaseUnavailable when the database does not answer.
    """

    def unit(session: Session) -> T:
        result = work(session)
        _commit(session)
        return result

    for _ in range(MOST_RECALLS):
        try:
            return run_unit(sessions.circuit, sessions.write, unit, sessions.turn)
        except CommitUnknown as error:
            if recall is None:
                raise
            within = RECALL_UNANSWERED if got_no_answer(error) else RECALL_WITHIN
        if (found := recalled(sessions, recall, within)) is not None:
            return found
    raise DatabaseUnavailable("The connection to the database broke at every COMMIT.")


def recalled(
    sessions: Sessions, recall: Callable[[Session], T | None], within: float = RECALL_WITHIN
) -> T | None:
    """What a transaction whose COMMIT was not answered has written; None: it was rolled back.

    `recall` reads, FOR UPDATE, a row that the transaction has written. A COMMIT that is still under
    way holds that row's lock, so the read waits until the outcome is decided; a read without a lock
    would see nothing and call it lost. Raises CommitUnknown when there is no outcome after about
    `within` seconds.
    """
    until = time.monotonic() + within
    while True:
        try:
            return run_unit(Circuit(), sessions.recall, recall, sessions.turn)
        except DatabaseUnavailable as error:
            if time.monotonic() >= until:
                raise CommitUnknown(UNKNOWN) from error
        time.sleep(0.1)


def read(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Run `work`, which only reads and waits for no writer; each statement sees what is committed
    by then.
    """
    return run_unit(sessions.circuit, sessions.read, work, nullcontext())


def execute(session: Session, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
    """Execute in the session's transaction without the ORM's bookkeeping, which costs more than the
    statement: for rows that nobody holds as objects.
    """
    return session.connection().execute(statement, parameters)


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise CommitUnknown(UNKNOWN) from error
        raise
