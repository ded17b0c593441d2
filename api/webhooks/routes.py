"""/v1/webhooks: list deliveries, redeliver, show and rotate signing secrets."""

from typing import Any

from flask_smorest import Blueprint

from api.http.pagination import page_answer
from api.webhooks import service
from api.webhooks.schemas import (
    DeliveriesQuery,
    DeliveryList,
    DeliveryView,
    SecretView,
    delivery_view,
)

blueprint = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks", description="Webhooks.")


@blueprint.get("/deliveries")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveryList)
def list_deliveries(query: dict[str, Any]) -> Any:
    """List the deliveries of my webhooks, newest first, or the delivery of one prediction.

    The list is empty until a prediction with a webhook finishes.
    """
    return page_answer(service.list_deliveries(query), query, delivery_view)


@blueprint.post("/deliveries/<prediction_id>/redeliver")
@blueprint.response(202, DeliveryView)
def redeliver(prediction_id: str) -> dict[str, Any]:
    """Send a delivery again now, whether it has failed, was disabled or has succeeded.

    The message keeps its `webhook-id`.
    """
    return delivery_view(service.redeliver(prediction_id))


@blueprint.get("/secret")
@blueprint.response(200, SecretView)
def show_secret() -> Any:
    """Get the secret that signs my webhooks when `webhook` contains no secret of its own.

    Verify messages with it as Standard Webhooks describes. It changes when an admin rotates the
    service's secrets. Messages then carry both signatures for 24 hours.
    """
    return {"secret": service.my_signing_secret()}, 200, {"Cache-Control": "no-store"}


@blueprint.post("/rotate-secret")
@blueprint.response(200, SecretView)
def rotate_secret() -> Any:
    """Replace the signing secrets of all accounts and of anonymous callers. For admins.

    Messages are also signed with the former secrets for 24 hours. The response contains the new
    secret of anonymous callers.
    """
    return {"secret": service.rotate_secrets()}, 200, {"Cache-Control": "no-store"}
