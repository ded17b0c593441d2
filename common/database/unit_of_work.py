"""Running a unit of work on the database: again where that is safe, not at all while it is away."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.orm import Session, sessionmaker

from common.database.circuit_breaker import Circuit, Open
from common.database.mysql import TOO_MANY_CONNECTIONS, did_not_answer
from common.errors import Unavailable

log = structlog.get_logger(__name__)
T = TypeVar("T")

# The server rolled a whole unit back so that another could go on: deadlock, lock wait time-out,
# "record has changed since last read" (MariaDB's snapshot isolation). Or it had no connection left
# for us, while our pool may get one back at any moment. In both cases the unit is run again.
RUN_AGAIN = {1213, 1205, 1020, TOO_MANY_CONNECTIONS}
TRIES = 5
RERUN_WITHIN = 1.0  # seconds from its begin: later, running a unit again would take too long
AWAY = "The database does not answer."


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or gave no connection or lock within the time for it."""

    default_code = "database_unavailable"


class CommitUnknown(DatabaseUnavailable):
    """The connection broke during COMMIT, and nobody could find out yet whether it happened."""

    default_code = "outcome_unknown"


def run_unit(
    circuit: Circuit,
    opened: sessionmaker[Session],
    unit: Callable[[Session], T],
    turn: AbstractContextManager[None],
) -> T:
    """Run `unit` on a new session within `turn`; again when the database rolled it back for
    another's sake, or the connection was lost before COMMIT. Raises DatabaseUnavailable.
    """
    rerun_until = time.monotonic() + RERUN_WITHIN
    for attempt in range(TRIES):
        try:
            return _once(circuit, opened, unit, turn)
        except (DBAPIError, TimeoutError) as error:
            is_last = attempt == TRIES - 1 or time.monotonic() > rerun_until
            if is_last or not _is_worth_another_try(error):
                raise _translated(error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("unreachable: the last try returns or raises")


def _once(
    circuit: Circuit,
    opened: sessionmaker[Session],
    unit: Callable[[Session], T],
    turn: AbstractContextManager[None],
) -> T:
    try:
        begin = circuit.enter()
    except Open as error:
        raise DatabaseUnavailable(AWAY) from error
    try:
        with turn, opened() as session:
            result = unit(session)
    except BaseException as error:
        if got_no_answer(error):
            circuit.unanswered(begin)
        elif isinstance(error, TimeoutError):  # no connection or turn was free in this process
            circuit.not_tried()
        else:
            circuit.answered()
        raise
    circuit.answered()
    return result


def got_no_answer(error: BaseException) -> bool:
    """Whether the server let a statement, a COMMIT or a log-in wait until patience ended."""
    failed = error.__cause__ if isinstance(error, CommitUnknown) else error
    return isinstance(failed, DBAPIError) and did_not_answer(failed.orig)


def _is_worth_another_try(error: Exception) -> bool:
    """Whether the server rolled it back or was full, or the connection was lost while it lay in the
    pool (which then forgets all its connections): cheaper than a ping before every use.
    """
    if not isinstance(error, DBAPIError) or not error.orig or not error.orig.args:
        return False
    return error.connection_invalidated or error.orig.args[0] in RUN_AGAIN


def _translated(error: DBAPIError | TimeoutError) -> Exception:
    """DatabaseUnavailable when the database is away or busy. A statement that it refused is a
    defect: its error is returned as it is.
    """
    away = isinstance(error, TimeoutError | OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not away:
        return error
    log.warning("database unavailable", error=str(getattr(error, "orig", error)))
    return DatabaseUnavailable(AWAY)
