"""What callers do to predictions that exist already: cancel them, have them done again."""

from api.limits import quotas
from api.predictions.projections import Shown, is_final
from api.predictions.queries import look_again
from api.state import app_state
from common.database.session import transact
from common.errors import Conflict
from common.predictions import cancel, retry
from common.tables import State
from common.tasks import contract


def cancel_it(row: Shown) -> Shown:
    """The prediction canceled, or noted to be; who waits for it is woken."""
    if is_final(row):
        return row
    if transact(app_state().services.sessions, lambda session: cancel(session, row.id)):
        app_state().announcer.finished([row.id])
    return look_again(row.id)


def retry_it(row: Shown, deadline: float | None) -> Shown:
    """The prediction queued again, if it was final; raises Conflict when it has succeeded, and
    QueueFull.
    """
    wanted = contract(row.task)
    if row.image_id is None and wanted.takes_image:
        raise Conflict("Its image was refused; there is nothing to retry.", code="not_retryable")
    if is_final(row) and row.state != State.SUCCEEDED:
        app_state().queues.admit(row.task, interactive=False)
        quotas.charge(wanted.cost)
    seconds = deadline or wanted.deadline
    if transact(app_state().services.sessions, lambda session: retry(session, row.id, seconds)):
        app_state().announcer.announce(row.id, row.task, interactive=False)
    return look_again(row.id)
