"""Accounts: opened, shown to themselves and to others; and how they sign in."""

from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from api.passwords import LONGEST, SHORTEST
from api.schemas.fields import Text
from common.errors import InputFault
from common.people.names import LONGEST_EMAIL, LONGEST_NAME, check_name, email_key
from common.tables import Role


class Name(Text):
    """A name for an account."""

    def __init__(self) -> None:
        meaning = "Letters, digits, spaces and . _ -; two that look alike are the same."
        size = validate.Length(1, LONGEST_NAME)
        about = {"description": meaning, "example": "anna"}
        super().__init__(required=True, validate=size, metadata=about)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        try:
            return check_name(super()._deserialize(value, attr, data, **options))
        except InputFault as error:
            raise ValidationError(error.detail) from error


class Email(fields.Email):
    """An e-mail address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        if len(text) > LONGEST_EMAIL or len(email_key(text)) > LONGEST_EMAIL:
            raise ValidationError(f"At most {LONGEST_EMAIL} characters.")
        return text


class Password(Text):
    """A new password."""

    def __init__(self) -> None:
        super().__init__(required=True, validate=validate.Length(SHORTEST, LONGEST), load_only=True)


class SignUp(Schema):
    """What opens an account."""

    name = Name()
    email = Email(required=True, metadata={"example": "anna@example.org"})
    password = Password()


class MyAccount(Schema):
    """An account as its owner sees it."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    role = fields.String(validate=validate.OneOf([str(role) for role in Role]))
    created_at = fields.DateTime(format="iso")


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


def account_view(account: Any) -> dict[str, Any]:
    """What MyAccount shows of a row."""
    return {name: getattr(account, name) for name in MyAccount().fields}
