"""Request and response schemas of webhooks and their deliveries."""

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
class Webhook:
    """The receiver of a finished prediction. Without `secret`, the account's secret signs."""

    url: str
    secret: str | None = None


class WebhookParts(RequestSchema):
    """A webhook with its own signing secret."""

    url = fields.String(required=True)
    secret = fields.String(allow_none=True, load_default=None)


class WebhookField(fields.Field[Webhook]):
    """A URL, or an object with `url` and `secret`. An empty string, as forms send, means None."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, load_default=None)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if value == "":
            return None
        if isinstance(value, str):
            return Webhook(value)
        if not isinstance(value, dict):
            raise ValidationError("Send a URL, or an object with `url` and `secret`.")
        parts = WebhookParts().load(value)
        return Webhook(parts["url"], _checked(parts["secret"]))


def _checked(secret: str | None) -> str | None:
    try:
        return secret if secret is None else check_secret(secret)
    except InputFault as error:
        raise ValidationError({"secret": [error.detail]}) from error


class DeliveriesQuery(PageQuery):
    """Which deliveries to list: that of one prediction, or all of the caller's."""

    prediction_id = fields.UUID(
        load_default=None,
        metadata={"description": "Without it, all deliveries are listed, newest first."},
    )


class DeliveryView(Schema):
    """A webhook delivery. Its URL is left out, since URLs may contain secrets."""

    prediction_id = fields.UUID()
    state = fields.String(validate=validate.OneOf([str(stage) for stage in Stage]))
    attempts = fields.Integer()
    status_code = fields.Integer(
        allow_none=True, metadata={"description": "The status of the receiver's last response."}
    )
    error = fields.String(allow_none=True, metadata={"description": "Why the last attempt failed."})
    next_attempt_at = fields.DateTime(format="iso", allow_none=True)
    created_at = fields.DateTime(format="iso")
    delivered_at = fields.DateTime(format="iso", allow_none=True)


class SecretView(Schema):
    """The secret that verifies the signatures of webhook messages."""

    secret = fields.String()


class DeliveryList(Schema):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliveryView))
    next = fields.String(allow_none=True)


def delivery_view(row: WebhookDelivery) -> dict[str, Any]:
    """Return the fields of DeliveryView from a row."""
    return {name: getattr(row, name) for name in DeliveryView().fields}


# JSON Schemas for the hand-written request bodies of the OpenAPI document.
WEBHOOK_URL = {
    "type": "string",
    "format": "uri",
    "maxLength": LONGEST_URL,
    "description": "The URL that receives the finished prediction by POST (Standard Webhooks).",
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
                    "description": "The secret to sign with, instead of the service's own.",
                },
            },
            "required": ["url"],
            "additionalProperties": False,
        },
    ]
}
