"""Request and response schemas of API keys."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import Text, WholeNumber
from common.schemas import RequestSchema

LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def in_future(moment: datetime) -> None:
    """Raise ValidationError for a time in the past, or one that the databases cannot store."""
    if not datetime.now(UTC) < moment < LATEST:
        raise ValidationError("Must be in the future, before the year 9999.")


class KeyRequest(RequestSchema):
    """A new API key."""

    name = Text(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "A label of your choice.", "example": "camera at the gate"},
    )
    expires_at = fields.AwareDateTime(
        format="iso",
        default_timezone=UTC,
        load_default=None,
        allow_none=True,
        validate=in_future,
        metadata={
            "description": "When the key expires. Without it, the key is valid until you delete it."
        },
    )


class KeyView(Schema):
    """An API key without its secret part."""

    id = fields.UUID()
    name = fields.String()
    hint = fields.String(
        metadata={"description": "The first characters of the key.", "example": "aft_Zk3Q9x1b"}
    )
    created_at = fields.DateTime(format="iso")
    used_at = fields.DateTime(format="iso", allow_none=True)
    expires_at = fields.DateTime(format="iso", allow_none=True)


class CreatedKey(KeyView):
    """A new API key. Only this response contains the key itself."""

    key = fields.String()


class KeysQuery(Schema):
    """Which page of the API keys to return."""

    limit = WholeNumber(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.UUID(
        load_default=None, metadata={"description": "`next` of the previous page."}
    )


class KeyList(Schema):
    """A page of API keys."""

    items = fields.List(fields.Nested(KeyView))
    next = fields.UUID(allow_none=True)


def key_view(row: Any) -> dict[str, Any]:
    """Return the fields of KeyView from a row."""
    return {name: getattr(row, name) for name in KeyView().fields}
