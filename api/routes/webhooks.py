"""/v1/webhooks: what became of deliveries, and having them made again."""

from typing import Any

from flask_smorest import Blueprint

from api.schemas.webhooks import DeliveriesQuery, DeliveryList, DeliveryView, SecretView, view
from api.webhooks import deliver_again, delivery_of, new_signing_secret

blueprint = Blueprint("webhooks", __name__, url_prefix="/v1/webhooks", description="Webhooks.")


@blueprint.get("/deliveries")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveryList)
def list_deliveries(query: dict[str, Any]) -> dict[str, Any]:
    """What became of a prediction's webhook; empty while there is nothing to deliver."""
    found = delivery_of(str(query["prediction_id"]))
    is_seen = found and "cursor" in query and found.prediction_id <= query["cursor"]
    return {"items": [view(found)] if found and not is_seen else [], "next": None}


@blueprint.post("/deliveries/<prediction_id>/redeliver")
@blueprint.response(202, DeliveryView)
def redeliver(prediction_id: str) -> dict[str, Any]:
    """Deliver once more, now: what has failed, was disabled or even delivered.

    The message keeps its `webhook-id`.
    """
    return view(deliver_again(prediction_id))


@blueprint.post("/rotate-secret")
@blueprint.response(200, SecretView)
def rotate_secret() -> Any:
    """Replace the service's signing secret: for admins. The former signs too for 24 hours.

    Whoever has it can forge webhooks.
    """
    return {"secret": new_signing_secret()}, 200, {"Cache-Control": "no-store"}
