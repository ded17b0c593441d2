"""Accounts: opened, shown to themselves and to others."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.people.passwords import LONGEST, SHORTEST
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

    def __init__(self, *, required: bool = True) -> None:
        size = validate.Length(SHORTEST, LONGEST)
        super().__init__(required=required, validate=size, load_only=True)


class SignUp(Schema):
    """What opens an account."""

    name = Name()
    email = Email(required=True, metadata={"example": "anna@example.org"})
    password = Password()


class Change(Schema):
    """What may be changed of one's own account."""

    email = Email()
    password = Password(required=False)
    current_password = fields.String(
        load_only=True, metadata={"description": "Needed with a new password."}
    )

    @validates_schema
    def _check(self, fields: dict[str, Any], **_options: Any) -> None:
        if "password" in fields and "current_password" not in fields:
            raise ValidationError("Needed with a new password.", "current_password")


class Leave(Schema):
    """What closes an account."""

    password = fields.String(required=True, load_only=True)


class Profile(Schema):
    """An account as others see it."""

    name = fields.String()
    created_at = fields.DateTime(format="iso")


class MyAccount(Schema):
    """An account as its owner sees it."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    role = fields.String(validate=validate.OneOf([str(role) for role in Role]))
    created_at = fields.DateTime(format="iso")


def account_view(account: Any) -> dict[str, Any]:
    """What MyAccount shows of a row."""
    return {name: getattr(account, name) for name in MyAccount().fields}


def profile_view(account: Any) -> dict[str, Any]:
    """What Profile shows of a row."""
    return {name: getattr(account, name) for name in Profile().fields}
