"""Tokens and API keys: how they are asked for, and what is shown of them."""

from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from api.http.fields import Text, Whole
from common.schemas import RequestSchema

LATEST = datetime(9999, 1, 1, tzinfo=UTC)


def in_future(moment: datetime) -> None:
    """Refuse a time that has passed, or that no database can hold."""
    if not datetime.now(UTC) < moment < LATEST:
        raise ValidationError("Must be in the future, before the year 9999.")


class LogIn(Schema):
    """The password form of OAuth 2. What is not known in it is ignored (RFC 6749, section 3.2)."""

    class Meta:
        """Of which `scope`, `client_id` and `client_secret` are."""

        unknown = EXCLUDE

    grant_type = fields.String(load_default="", validate=validate.OneOf(["", "password"]))
    username = fields.String(required=True)
    password = fields.String(required=True)


class Tokens(Schema):
    """What a log-in gives."""

    access_token = fields.String()
    token_type = fields.String(metadata={"example": "bearer"})
    expires_in = fields.Integer(metadata={"description": "Seconds."})
    refresh_token = fields.String()


LOG_IN_BODY = {
    "description": "The password form of OAuth 2; empty fields are fine.",
    "required": True,
    "content": {"application/x-www-form-urlencoded": {"schema": LogIn}},
}


class Refresh(RequestSchema):
    """What carries a log-in on."""

    refresh_token = fields.String(required=True, load_only=True)


class NewKey(RequestSchema):
    """An API key that is to be made."""

    name = Text(
        required=True,
        validate=validate.Length(1, 100),
        metadata={"description": "To tell it by.", "example": "camera at the gate"},
    )
    expires_at = fields.AwareDateTime(
        format="iso",
        default_timezone=UTC,
        load_default=None,
        allow_none=True,
        validate=in_future,
        metadata={"description": "Until when it is good; without it, until it is deleted."},
    )


class KeyView(Schema):
    """A key as it stands."""

    id = fields.UUID()
    name = fields.String()
    hint = fields.String(
        metadata={"description": "The key's beginning.", "example": "aft_Zk3Q9x1b"}
    )
    created_at = fields.DateTime(format="iso")
    used_at = fields.DateTime(format="iso", allow_none=True)
    expires_at = fields.DateTime(format="iso", allow_none=True)


class MadeKey(KeyView):
    """A key that was just made, the only time that it is shown."""

    key = fields.String()


class KeysQuery(Schema):
    """Which page of the keys."""

    limit = Whole(load_default=20, validate=validate.Range(1, 100))
    cursor = fields.UUID(load_default=None, metadata={"description": "`next` of the page before."})


class KeyList(Schema):
    """A page of keys."""

    items = fields.List(fields.Nested(KeyView))
    next = fields.UUID(allow_none=True)


def key_view(row: Any) -> dict[str, Any]:
    """What KeyView shows."""
    return {name: getattr(row, name) for name in KeyView().fields}
