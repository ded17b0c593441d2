"""The states of a prediction: queued, processing, then succeeded, failed, canceled or expired.

Functions take the session first and never commit: the caller owns the transaction. All times are
the database's. docs/architecture.md has the table of states and guards that these functions
implement.
"""

from common.predictions.cancel import cancel, retry
from common.predictions.claim import Claims, Job, claim
from common.predictions.create import (
    TaskRequest,
    create,
    create_all,
    create_alone,
    mark_announced,
    queued_record,
)
from common.predictions.finish import Failure, Outcome, Retry, Success, finish
from common.predictions.queue_stats import Lane, QueuePosition, ahead, measure
from common.predictions.records import PredictionRecord, find_record, find_records
from common.predictions.sweep import Overdue, reopen, sweep

__all__ = [
    "Claims",
    "Failure",
    "Job",
    "Lane",
    "Outcome",
    "Overdue",
    "PredictionRecord",
    "QueuePosition",
    "Retry",
    "Success",
    "TaskRequest",
    "ahead",
    "cancel",
    "claim",
    "create",
    "create_all",
    "create_alone",
    "find_record",
    "find_records",
    "finish",
    "mark_announced",
    "measure",
    "queued_record",
    "reopen",
    "retry",
    "sweep",
]
