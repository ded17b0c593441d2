"""The database: connecting, its clock, and executing statements.

It also exports `transact`, `read` and the errors of `common.database.unit_of_work`. Everything here
works the same on SQLite, MariaDB 10.11+ and MySQL 8.4+.

SQL statements that run for each upload, claim, finished prediction, credential or counter are built
once, as constants at the top of their module, because building a statement costs as much as
executing it. All other statements are written where they are used.
"""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    CursorResult,
    Executable,
    Insert,
    insert,
    literal,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from common.database.mysql import mysql
from common.database.sqlite import WriterLock, sqlite
from common.database.types import Moment
from common.database.unit_of_work import CommitUnknown as CommitUnknown
from common.database.unit_of_work import DatabaseUnavailable as DatabaseUnavailable
from common.database.unit_of_work import Sessions as Sessions
from common.database.unit_of_work import explain_unknown_commit as explain_unknown_commit
from common.database.unit_of_work import read as read
from common.database.unit_of_work import recalled as recalled
from common.database.unit_of_work import transact as transact

WAIT = 3  # seconds that a request may wait for a connection or a lock, on MySQL for both:
WAIT_FOR_CONNECTION = 1
WAIT_FOR_LOCK = 2
RECALL_ANSWER, RECALL_LOCK = 1.5, 1  # the same when the outcome of a COMMIT is read
# Seconds to wait for one answer of the database:
PROMPT = 3  # while a caller waits; longer than WAIT_FOR_LOCK
STEADY = 15  # in the background
PATIENT = 3600  # in migrations


class now(FunctionElement[datetime]):  # noqa: N801  (reads as the SQL function that it is)
    """SQL expression: the database's clock plus `seconds` (negative: before now). All times of
    predictions come from this clock.
    """

    type = Moment()
    inherit_cache = True

    def __init__(self, seconds: float | BindParameter[int] = 0):
        """Take seconds, or a bound parameter whose value is in microseconds."""
        is_number = not isinstance(seconds, BindParameter)
        super().__init__(literal(round(seconds * 1e6), BigInteger) if is_number else seconds)


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
    """The database's time, for values that are computed here before they are written."""
    moment: datetime = execute(session, CLOCK).scalar_one()
    return moment


def insert_missing(table: type[Any]) -> Insert:
    """INSERT that skips rows whose key exists; its row count is the number of rows inserted."""
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
        lock = WriterLock(WAIT, str(target.database))
        return Sessions(engine, engine.execution_options(reads_only=True), lock)
    open_one = partial(mysql, target, wait_for_connection=WAIT_FOR_CONNECTION)
    options: dict[str, Any] = {
        "patience": patience,
        "wait_for_lock": WAIT_FOR_LOCK,
        "leaves_room": leaves_room,
    }
    # READ COMMITTED has no gap locks, so that claims of adjacent rows do not deadlock. A read of
    # one statement needs no transaction and no ROLLBACK, which would cost as much as the read.
    for_reads = max(1, pool // 3)  # a read takes a fraction of the time of a transaction
    writing = open_one(max(1, pool - for_reads), "READ COMMITTED", **options)
    reading = (
        open_one(for_reads, "AUTOCOMMIT", **options)
        if pool > 1
        else writing.execution_options(isolation_level="AUTOCOMMIT")
    )
    recalling = open_one(0, "READ COMMITTED", patience=RECALL_ANSWER, wait_for_lock=RECALL_LOCK)
    return Sessions(writing, reading, recalling=recalling)


def execute(session: Session, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
    """Execute in the session's transaction, bypassing the ORM's bookkeeping, which costs more than
    the statement. Not for rows that are loaded as objects in the session.
    """
    return session.connection().execute(statement, parameters)
