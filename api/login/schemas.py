"""Request and response schemas of logging in and of refreshing tokens."""

from marshmallow import EXCLUDE, Schema, fields, validate

from common.schemas import RequestSchema


class LogIn(Schema):
    """The form of OAuth 2's password grant. Unknown fields are ignored (RFC 6749, section 3.2)."""

    class Meta:
        """Clients also send `scope`, `client_id` and `client_secret`."""

        unknown = EXCLUDE

    grant_type = fields.String(load_default="", validate=validate.OneOf(["", "password"]))
    username = fields.String(required=True)
    password = fields.String(required=True)


class Tokens(Schema):
    """The tokens of a log-in."""

    access_token = fields.String()
    token_type = fields.String(metadata={"example": "bearer"})
    expires_in = fields.Integer(metadata={"description": "Seconds until the access token expires."})
    refresh_token = fields.String()


LOG_IN_BODY = {
    "description": "The form of OAuth 2's password grant. Its optional fields may be empty.",
    "required": True,
    "content": {"application/x-www-form-urlencoded": {"schema": LogIn}},
}


class Refresh(RequestSchema):
    """The refresh token to exchange for new tokens."""

    refresh_token = fields.String(required=True, load_only=True)
