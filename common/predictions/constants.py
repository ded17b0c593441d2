"""Limits and intervals of predictions; times are in seconds."""

import random
from datetime import datetime

from sqlalchemy import ColumnElement, case

from common.database.session import now
from common.tables import Prediction, State

LEASE = 60  # how long a claim is valid; all time-outs within a task are shorter
MOST_FAILURES = 5  # failed attempts by the service or a dependency, then the state is `failed`
MOST_LOST_CLAIMS = 3  # claimers that ended while they ran it alone, then it fails as `poison`
ANNOUNCE_GRACE = 2  # a row that is not announced by then is announced by the sweep
LOST_AFTER = 60  # the message of an announced row that is not claimed by then may be lost
HEARTBEAT = 0.3  # the interval of an engine's heartbeats
DEAD_AFTER = 0.9  # an engine without a heartbeat for this long counts as dead
FIRST_BACKOFF = 2
LONGEST_BACKOFF = 120
SHORTEST_DEADLINE, LONGEST_DEADLINE = 1, 24 * 60 * 60  # the range that callers may request

# The columns of a canceled prediction, besides those of every final one.
CANCELED = {
    "state": State.CANCELED,
    "error_code": "canceled",
    "error_detail": "It was canceled.",
}


def backoff(failures: int) -> float:
    """Seconds to wait after this number of failures: exponential, with jitter over half of the
    delay, so that a retry never follows immediately.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    delay = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** max(0, failures - 1))
    return delay / 2 + random.uniform(0, delay / 2)


def within_deadline(seconds: float) -> ColumnElement[datetime]:
    """The time of the row's next sweep: in `seconds`, or at its deadline if that is earlier."""
    later = now(seconds)
    return case((Prediction.deadline_at < later, Prediction.deadline_at), else_=later)
