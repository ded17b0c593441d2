"""Webhooks at the door: who is to be told, and what became of telling them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from api.accounts.permissions import admins_only, me
from api.http.body.parser import blame
from api.predictions.history import deliveries_page
from api.predictions.queries import find_my_prediction
from api.state import read, services, write
from api.webhooks.schemas import Wanted
from common.errors import InputFault, NotFound
from common.predictions import TaskRequest
from common.tables import WebhookDelivery
from common.webhooks import deliveries
from common.webhooks.receivers import check_url
from common.webhooks.secrets import current_secret, rotate


def with_webhook(task_requests: Sequence[TaskRequest], wanted: Wanted | None) -> list[TaskRequest]:
    """The asks, each to be told of to `wanted`; raises InputFault for a URL that cannot be."""
    if wanted is None:
        return list(task_requests)
    with blame("webhook"):
        if not task_requests:
            raise InputFault("There is nothing to tell a webhook of: no task is asked for.")
        url = check_url(wanted.url, services().settings.webhook_allowed_networks)
    return [replace(ask, webhook_url=url, webhook_secret=wanted.secret) for ask in task_requests]


def page_of_deliveries(query: dict[str, Any]) -> tuple[list[WebhookDelivery], str | None]:
    """A page of the caller's deliveries, and the next one's cursor; or the delivery of one
    prediction. Raises NotFound for one that they may not have, Unauthorized for anonymous callers
    who name none.
    """
    if query["prediction_id"] is None:
        return deliveries_page(query)
    id = find_my_prediction(str(query["prediction_id"])).id
    found = read(lambda session: deliveries.find(session, id))
    return [found] if found and query["cursor"] is None else [], None


def deliver_again(prediction_id: str) -> WebhookDelivery:
    """Make the delivery of a prediction due now; raises NotFound when there is none that can be."""
    id = find_my_prediction(prediction_id).id

    def again(session: Session) -> WebhookDelivery | None:
        return deliveries.find(session, id) if deliveries.redeliver(session, id) else None

    if found := write(again):
        return found
    raise NotFound(
        "This prediction has no webhook delivery that can be sent again.", code="delivery_not_found"
    )


def my_signing_secret() -> str:
    """The secret that signs the caller's webhooks; raises Unauthorized for anonymous callers."""
    return write(partial(current_secret, owner_id=me()))


def new_signing_secret() -> str:
    """Replace everybody's secrets; returns the one of anonymous callers. Raises Unauthorized and
    Forbidden for callers who are not admins.
    """
    admins_only()
    write(rotate)
    return write(partial(current_secret, owner_id=None))
