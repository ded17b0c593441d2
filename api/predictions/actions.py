"""Cancel and retry existing predictions."""

from api.limits import quotas
from api.predictions.queries import reload_prediction
from api.state import app_state, write
from common.errors import Conflict
from common.predictions import PredictionRecord, cancel, retry
from common.tables import State
from common.tasks import contract


def cancel_prediction(record: PredictionRecord) -> PredictionRecord:
    """Cancel a queued prediction and wake the requests that wait for it; mark one that is being
    processed. Returns the prediction as it is afterwards.
    """
    if record.is_final:
        return record
    if write(lambda session: cancel(session, record.id)):
        app_state().announcer.finished([record.id])
    return reload_prediction(record.id)


def retry_prediction(record: PredictionRecord, deadline: float | None) -> PredictionRecord:
    """Queue a failed, canceled or expired prediction again, to finish within `deadline` seconds
    (None: the task's default). Returns the prediction as it is afterwards.

    Raises Conflict if it has succeeded or has no image, QueueFull if the queue is too long.
    """
    task = contract(record.task)
    if record.image_id is None and task.takes_image:
        raise Conflict(
            "Its image was rejected, so it cannot be retried. Upload a valid image instead.",
            code="not_retryable",
        )
    if record.is_final and record.state != State.SUCCEEDED:
        app_state().queue_estimates.admit(record.task, interactive=False)
        quotas.charge(task.cost)
    seconds = deadline or task.deadline
    if write(lambda session: retry(session, record.id, seconds)):
        app_state().announcer.announce(record.id, record.task, interactive=False)
    return reload_prediction(record.id)
