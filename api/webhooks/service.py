"""Add webhooks to task requests; list and redeliver deliveries; show and rotate secrets."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.permissions import require_account, require_admin
from api.http.body.parser import blame
from api.http.pagination import Page
from api.predictions.history import deliveries_page
from api.predictions.queries import find_my_prediction
from api.state import read, services, write
from api.webhooks.schemas import Webhook
from common.errors import InputFault, NotFound
from common.predictions import TaskRequest
from common.tables import WebhookDelivery
from common.webhooks import deliveries
from common.webhooks.receivers import check_url
from common.webhooks.secrets import current_secret, rotate


def with_webhook(
    task_requests: Sequence[TaskRequest], webhook: Webhook | None
) -> list[TaskRequest]:
    """Return the task requests with the webhook set.

    Raises InputFault if there is no task request, or if the URL is not an allowed receiver.
    """
    if webhook is None:
        return list(task_requests)
    with blame("webhook"):
        if not task_requests:
            raise InputFault("A webhook needs a prediction: send a task, or leave `webhook` out.")
        url = check_url(webhook.url, services().settings.webhook_allowed_networks)
    return [replace(each, webhook_url=url, webhook_secret=webhook.secret) for each in task_requests]


def list_deliveries(query: dict[str, Any]) -> Page[WebhookDelivery]:
    """Return a page of the caller's deliveries.

    With `prediction_id`, the page holds the delivery of this prediction at most. Raises NotFound
    for a prediction of another caller, and Unauthorized if an anonymous caller names none.
    """
    if query["prediction_id"] is None:
        return deliveries_page(query)
    id = find_my_prediction(str(query["prediction_id"])).id
    delivery = read(lambda session: deliveries.find(session, id))
    return Page([delivery] if delivery and query["cursor"] is None else [])


def redeliver(prediction_id: str) -> WebhookDelivery:
    """Make the delivery of a prediction due now; return it.

    Raises NotFound if the prediction has no delivery that can be sent again.
    """
    id = find_my_prediction(prediction_id).id

    def change(session: Session) -> WebhookDelivery | None:
        return deliveries.find(session, id) if deliveries.redeliver(session, id) else None

    if delivery := write(change):
        return delivery
    raise NotFound(
        "This prediction has no webhook delivery that can be sent again.", code="delivery_not_found"
    )


def my_signing_secret() -> str:
    """Return the secret that signs the caller's webhooks.

    Raises Unauthorized for an anonymous caller.
    """
    return write(partial(current_secret, owner_id=require_account()))


def rotate_secrets() -> str:
    """Replace the signing secrets of all callers; return the new one of anonymous callers.

    Raises Unauthorized or Forbidden if the caller is not an admin.
    """
    require_admin()
    write(rotate)
    return write(partial(current_secret, owner_id=None))
