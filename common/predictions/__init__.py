"""The life of a prediction: queued, processing, then succeeded, failed, canceled or expired.

Functions take the session first and never commit; the caller's transaction makes a step happen or
not. All times are the database's. DESIGN section 4 is the table that these functions implement.
"""

from common.predictions.claiming import Claims, Job, claim
from common.predictions.creating import Ask, create, mark_announced
from common.predictions.finishing import Failure, Outcome, Retry, Success, finish
from common.predictions.overdue import Overdue, reopen, sweep

__all__ = [
    "Ask",
    "Claims",
    "Failure",
    "Job",
    "Outcome",
    "Overdue",
    "Retry",
    "Success",
    "claim",
    "create",
    "finish",
    "mark_announced",
    "reopen",
    "sweep",
]
