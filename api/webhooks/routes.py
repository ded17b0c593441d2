"""/v1/webhooks: what became of deliveries, and having them made again."""

from typing import Any

from flask_smorest import Blueprint

from api.http.pagination import listed
from api.webhooks.schemas import DeliveriesQuery, DeliveryList, DeliveryView, SecretView, view
from api.webhooks.service import (
    deliver_again,
    my_signing_secret,
    new_signing_secret,
    page_of_deliveries,
)

blueprint = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks", description="Webhooks.")


@blueprint.get("/deliveries")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveryList)
def list_deliveries(query: dict[str, Any]) -> Any:
    """What became of my webhooks, the newest first, or of one prediction's; nothing is there while
    there is nothing to deliver.
    """
    rows, after = page_of_deliveries(query)
    return listed([view(row) for row in rows], after, query)


@blueprint.post("/deliveries/<prediction_id>/redeliver")
@blueprint.response(202, DeliveryView)
def redeliver(prediction_id: str) -> dict[str, Any]:
    """Deliver once more, now: what has failed, was disabled or even delivered.

    The message keeps its `webhook-id`.
    """
    return view(deliver_again(prediction_id))


@blueprint.get("/secret")
@blueprint.response(200, SecretView)
def show_secret() -> Any:
    """The secret that signs my webhooks, unless I send one with `webhook`.

    Verify messages with it as Standard Webhooks describes. It changes when an admin rotates the
    service's secrets; messages then carry both signatures for 24 hours.
    """
    return {"secret": my_signing_secret()}, 200, {"Cache-Control": "no-store"}


@blueprint.post("/rotate-secret")
@blueprint.response(200, SecretView)
def rotate_secret() -> Any:
    """Replace the secrets of all accounts and of anonymous callers: for admins.

    The former secrets also sign for 24 hours. The answer holds the one of anonymous callers.
    """
    return {"secret": new_signing_secret()}, 200, {"Cache-Control": "no-store"}
