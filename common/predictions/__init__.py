"""The life of a prediction: queued, processing, then succeeded, failed, canceled or expired.

Functions take the session first and never commit; the caller's transaction makes a step happen or
not. All times are the database's. DESIGN section 4 is the table that these functions implement.
"""

from common.predictions.canceling import cancel, retry
from common.predictions.claiming import Claims, Job, claim
from common.predictions.creating import Ask, create, create_alone, mark_announced
from common.predictions.finishing import Failure, Outcome, Retry, Success, finish
from common.predictions.overdue import Overdue, reopen, sweep
from common.predictions.queueing import Lane, Place, ahead, measure

__all__ = [
    "Ask",
    "Claims",
    "Failure",
    "Job",
    "Lane",
    "Outcome",
    "Overdue",
    "Place",
    "Retry",
    "Success",
    "ahead",
    "cancel",
    "claim",
    "create",
    "create_alone",
    "finish",
    "mark_announced",
    "measure",
    "reopen",
    "retry",
    "sweep",
]
