"""The numbers of a prediction's life, in seconds where not said otherwise."""

import random
from datetime import datetime

from sqlalchemy import ColumnElement, case

from common.database.session import now
from common.tables import Prediction, State

LEASE = 60  # how long a claim holds; every time-out inside a task stays below
MOST_FAILURES = 5  # failed attempts of ours or of a dependency, then it is `failed`
MOST_LOST_CLAIMS = 3  # claimers that ended while they ran it alone, then it is `poison`
ANNOUNCE_GRACE = 2  # a row not announced by then is announced by the housekeeper
LOST_AFTER = 60  # an announced row not claimed by then may have lost its message
HEARTBEAT = 0.3  # an engine says this often that it lives
SILENT = 0.9  # an engine not heard of for this long is dead
FIRST_BACKOFF = 2
LONGEST_BACKOFF = 120
SHORTEST_DEADLINE, LONGEST_DEADLINE = 1, 24 * 60 * 60  # what callers may ask for

# What canceling writes, beside the columns that every final row has.
CANCELED = {
    "state": State.CANCELED,
    "error_code": "canceled",
    "error_detail": "It was canceled.",
}


def backoff(failures: int) -> float:
    """Seconds to wait after the given number of failures: exponential, with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015; half of the
    delay is kept, so that a retry never follows at once.
    """
    delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** max(0, failures - 1))
    return delay / 2 + random.uniform(0, delay / 2)


def within_deadline(seconds: float) -> ColumnElement[datetime]:
    """`seconds` from now or the row's deadline, whichever comes first: when to look at it again."""
    later = now(seconds)
    return case((Prediction.deadline_at < later, Prediction.deadline_at), else_=later)
