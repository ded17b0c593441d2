"""Running units of work on the database: read, transact, and what happens when it fails.

A unit is run again where that is safe, and not at all while the database is away.
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from common.database.circuit_breaker import CircuitBreaker, CircuitOpen
from common.database.mysql import TOO_MANY_CONNECTIONS, is_timeout
from common.database.sqlite import WriterLock, is_busy
from common.errors import Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")

# The server rolled the whole unit back because of a conflict with another: deadlock, lock wait
# timeout, "record has changed since last read" (MariaDB's snapshot isolation). Or it had no free
# connection, while this process's pool may get one back soon. In all cases the unit runs again.
RETRYABLE = {1213, 1205, 1020, TOO_MANY_CONNECTIONS}
TRIES = 5
RETRY_WITHIN = 1.0  # seconds from the first begin: a later try would take too long
# An unanswered COMMIT: seconds until its outcome must be known. The second is shorter: the server
# did not answer the COMMIT at all, so the callers have waited already.
RECALL_WITHIN, RECALL_UNANSWERED = 3.0, 1.0
RECALL_LIMIT = 3
NO_ANSWER = "The database does not answer."
UNKNOWN = (
    "The connection to the database broke while the change was being saved. It may or may not have "
    "been saved: read the resource again before you repeat the request."
)


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or gave no connection or lock within the time for it."""

    default_code = "database_unavailable"


class CommitUnknown(DatabaseUnavailable):
    """The connection broke during COMMIT, and its outcome could not be read within the time."""

    default_code = "outcome_unknown"


class Sessions:
    """The sources of sessions for `transact`, `read` and `recalled`: one engine each."""

    def __init__(
        self,
        engine: Engine,
        reading: Engine,
        writer_lock: WriterLock | None = None,
        recalling: Engine | None = None,
    ):
        self.engine = engine
        self.writer_lock: WriterLock | nullcontext[None] = writer_lock or nullcontext()
        self.circuit = CircuitBreaker()
        self._engines = (engine, reading, recalling or engine)
        self.write = sessionmaker(engine, expire_on_commit=False)
        self.read = sessionmaker(reading, expire_on_commit=False)
        self.recall = sessionmaker(recalling or engine)

    def close(self) -> None:
        """Close all connections; those in use are closed when they are returned to the pool."""
        for engine in self._engines:
            engine.dispose()
        if isinstance(self.writer_lock, WriterLock):
            self.writer_lock.close()


def transact(
    sessions: Sessions,
    work: Callable[[Session], T],
    recall: Callable[[Session], T | None] | None = None,
) -> T:
    """Run `work` in a transaction, commit it, and return the result of `work`.

    If the database rolls it back because of a conflict with another transaction, or the connection
    is lost before COMMIT, `work` runs again; so it must have no effects except on its session.

    When the connection broke during COMMIT, `recall` reads what `work` had written: its result is
    returned, or `work` is run again if it returns None. See `recalled`. Raises CommitUnknown if the
    outcome cannot be read, DatabaseUnavailable if the database does not answer.
    """
    for _ in range(RECALL_LIMIT):
        try:
            circuit, factory, lock = sessions.circuit, sessions.write, sessions.writer_lock
            return run_unit(circuit, factory, work, lock, commits=True)
        except CommitUnknown as error:
            if recall is None:
                raise
            within = RECALL_UNANSWERED if _got_no_answer(error) else RECALL_WITHIN
        if (result := recalled(sessions, recall, within)) is not None:
            return result
    raise DatabaseUnavailable("The connection to the database broke at every COMMIT.")


def recalled(
    sessions: Sessions, recall: Callable[[Session], T | None], within: float = RECALL_WITHIN
) -> T | None:
    """What a transaction with an unanswered COMMIT has written; None if it was rolled back.

    `recall` reads, FOR UPDATE, a row that the transaction has written. A COMMIT that is still in
    progress holds the lock of that row, so the read waits until the outcome is decided; a read
    without a lock would miss the row. Raises CommitUnknown if there is no outcome after about
    `within` seconds.
    """
    until = time.monotonic() + within
    while True:
        try:
            return run_unit(CircuitBreaker(), sessions.recall, recall, sessions.writer_lock)
        except DatabaseUnavailable as error:
            if time.monotonic() >= until:
                raise CommitUnknown(UNKNOWN) from error
        time.sleep(0.1)


@contextmanager
def explain_unknown_commit(detail: str) -> Iterator[None]:
    """Replace the text of a CommitUnknown by `detail`, which explains how to check the outcome."""
    try:
        yield
    except CommitUnknown as error:
        raise CommitUnknown(detail) from error


def read(sessions: Sessions, work: Callable[[Session], T]) -> T:
    """Run `work`, which only reads, and return its result. It waits for no writer; each statement
    sees what is committed when it starts.
    """
    return run_unit(sessions.circuit, sessions.read, work, nullcontext())


def run_unit(
    circuit: CircuitBreaker,
    factory: sessionmaker[Session],
    work: Callable[[Session], T],
    writer_lock: AbstractContextManager[None],
    commits: bool = False,
) -> T:
    """Run `work` on a new session while holding `writer_lock`, and return its result. It runs again
    if the database rolled it back because of a conflict, or the connection was lost before COMMIT.
    Raises DatabaseUnavailable.
    """
    retry_until = time.monotonic() + RETRY_WITHIN
    for attempt in range(TRIES):
        try:
            with _open(circuit, factory, writer_lock) as session:
                result = work(session)
                if commits:
                    _commit(session)
                return result
        except (DBAPIError, TimeoutError) as error:
            is_last = attempt == TRIES - 1 or time.monotonic() > retry_until
            if is_last or not _is_retryable(error):
                raise _translated(error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable: the last try returns or raises")


@contextmanager
def _open(
    circuit: CircuitBreaker,
    factory: sessionmaker[Session],
    writer_lock: AbstractContextManager[None],
) -> Iterator[Session]:
    """Open a session while holding `writer_lock`; report its outcome to the circuit breaker."""
    try:
        begin = circuit.begin_call()
    except CircuitOpen as error:
        raise DatabaseUnavailable(NO_ANSWER) from error
    try:
        with writer_lock, factory() as session:
            yield session
    except BaseException as error:
        if _got_no_answer(error):
            circuit.unanswered(begin)
        elif isinstance(error, TimeoutError):  # no connection or lock was free in this process
            circuit.not_tried()
        else:
            circuit.answered()
        raise
    circuit.answered()


def _commit(session: Session) -> None:
    try:
        session.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise CommitUnknown(UNKNOWN) from error
        raise


def _got_no_answer(error: BaseException) -> bool:
    """Whether the server did not answer a statement, a COMMIT or a log-in in time."""
    failed = error.__cause__ if isinstance(error, CommitUnknown) else error
    return isinstance(failed, DBAPIError) and is_timeout(failed.orig)


def _is_retryable(error: Exception) -> bool:
    """Whether the database rolled it back or was full or busy, or the connection was lost while it
    lay in the pool (which then forgets all its connections): cheaper than a ping before every use.
    """
    if not isinstance(error, DBAPIError) or not error.orig or not error.orig.args:
        return False
    is_conflict = error.orig.args[0] in RETRYABLE or is_busy(error.orig)
    return error.connection_invalidated or is_conflict


def _translated(error: DBAPIError | TimeoutError) -> Exception:
    """DatabaseUnavailable if the database is away or busy. A statement that it refused is a defect:
    its error is returned unchanged.
    """
    away = isinstance(error, TimeoutError | OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not away:
        return error
    log.warning("database unavailable", error=str(getattr(error, "orig", error)))
    return DatabaseUnavailable(NO_ANSWER)
