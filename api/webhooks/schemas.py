"""Webhooks: how they are asked for, and what became of their deliveries."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.pagination_schemas import PageQuery
from common.errors import InputFault
from common.schemas import RequestSchema
from common.tables import WebhookDelivery
from common.webhooks.deliveries import Stage
from common.webhooks.receivers import LONGEST_URL, check_secret


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who wants to be told of a prediction's end, and by whose secret it is signed."""

    url: str
    secret: str | None = None


class WebhookParts(RequestSchema):
    """A webhook with a secret of the caller's own."""

    url = fields.String(required=True)
    secret = fields.String(allow_none=True, load_default=None)


class WebhookField(fields.Field[Wanted]):
    """A URL, or an object of a URL and a secret; an empty text, as forms send it, is none."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, load_default=None)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if value == "":
            return None
        if isinstance(value, str):
            return Wanted(value)
        if not isinstance(value, dict):
            raise ValidationError("A URL, or an object with `url` and `secret`.")
        parts = WebhookParts().load(value)
        return Wanted(parts["url"], _checked(parts["secret"]))


def _checked(secret: str | None) -> str | None:
    try:
        return secret if secret is None else check_secret(secret)
    except InputFault as error:
        raise ValidationError({"secret": [error.detail]}) from error


class DeliveriesQuery(PageQuery):
    """Which deliveries: a prediction's, or all of mine."""

    prediction_id = fields.UUID(
        load_default=None, metadata={"description": "Without it: all of mine, the newest first."}
    )


class DeliveryView(Schema):
    """A delivery as it stands. Its URL is not told: it may be a secret of who gave it."""

    prediction_id = fields.UUID()
    state = fields.String(validate=validate.OneOf([str(stage) for stage in Stage]))
    attempts = fields.Integer()
    status_code = fields.Integer(
        allow_none=True, metadata={"description": "The receiver's last answer."}
    )
    error = fields.String(allow_none=True, metadata={"description": "Why the last attempt failed."})
    next_attempt_at = fields.DateTime(format="iso", allow_none=True)
    created_at = fields.DateTime(format="iso")
    delivered_at = fields.DateTime(format="iso", allow_none=True)


class SecretView(Schema):
    """A secret that verifies the signatures of webhooks."""

    secret = fields.String()


class DeliveryList(Schema):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliveryView))
    next = fields.String(allow_none=True)


def view(row: WebhookDelivery) -> dict[str, Any]:
    """What DeliveryView shows of a row."""
    return {name: getattr(row, name) for name in DeliveryView().fields}


# For the hand-written bodies of the OpenAPI page.
WEBHOOK_URL = {
    "type": "string",
    "format": "uri",
    "maxLength": LONGEST_URL,
    "description": "Where to POST the prediction once it is final (Standard Webhooks).",
}
WEBHOOK = {
    "oneOf": [
        WEBHOOK_URL,
        {
            "type": "object",
            "properties": {
                "url": WEBHOOK_URL,
                "secret": {
                    "type": "string",
                    "nullable": True,
                    "pattern": "^whsec_[A-Za-z0-9+/]{32,86}={0,2}$",
                    "description": "To sign with, instead of the service's own.",
                },
            },
            "required": ["url"],
            "additionalProperties": False,
        },
    ]
}
