"""Accounts: opened, shown to themselves and to others."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.http.fields import Text
from api.login.passwords import LONGEST, SHORTEST
from common.accounts.names import LONGEST_EMAIL, LONGEST_NAME, check_email, check_name
from common.errors import InputFault
from common.schemas import RequestSchema
from common.tables import Role


class Name(Text):
    """A name for an account."""

    def __init__(self, *, is_operator: bool = False) -> None:
        self.is_operator = is_operator
        meaning = (
            "Letters of one script, digits, spaces and . _ -; two that look alike are the same."
        )
        size = validate.Length(1, LONGEST_NAME)
        about = {"description": meaning, "example": "anna"}
        super().__init__(required=True, validate=size, metadata=about)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        try:
            text = super()._deserialize(value, attr, data, **options)
            return check_name(text, is_operator=self.is_operator)
        except InputFault as error:
            raise ValidationError(error.detail) from error


class Email(fields.Email):
    """An e-mail address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        # First the length: the pattern of an address takes its time on a long text.
        if isinstance(value, str) and len(value) > LONGEST_EMAIL:
            raise ValidationError(f"An e-mail address has at most {LONGEST_EMAIL} characters.")
        try:
            return check_email(super()._deserialize(value, attr, data, **options))
        except InputFault as error:
            raise ValidationError(error.detail) from error


class Password(Text):
    """A new password."""

    def __init__(self, *, required: bool = True) -> None:
        size = validate.Length(SHORTEST, LONGEST)
        super().__init__(required=required, validate=size, load_only=True)


class SignUp(RequestSchema):
    """What opens an account."""

    name = Name()
    email = Email(required=True, metadata={"example": "anna@example.org"})
    password = Password()


class OperatorSignUp(SignUp):
    """What opens an account from the command line, where reserved names may be used."""

    name = Name(is_operator=True)


class Change(RequestSchema):
    """What may be changed of one's own account."""

    email = Email()
    password = Password(required=False)
    current_password = fields.String(
        load_only=True, metadata={"description": "Needed with a new password or address."}
    )
    keep_keys = fields.Boolean(
        load_default=False,
        metadata={"description": "Whether API keys stay valid after a new password."},
    )

    @validates_schema
    def _check(self, fields: dict[str, Any], **_options: Any) -> None:
        if fields.keys() & {"password", "email"} and "current_password" not in fields:
            raise ValidationError("Needed with a new password or address.", "current_password")


class Leave(RequestSchema):
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


class LoginView(Schema):
    """A log-in that is valid now."""

    id = fields.UUID()
    created_at = fields.DateTime(format="iso")
    refreshed_at = fields.DateTime(format="iso", allow_none=True)
    expires_at = fields.DateTime(format="iso")
    current = fields.Boolean(metadata={"description": "Whether this request belongs to it."})


class LoginList(Schema):
    """The account's log-ins, at most 100."""

    items = fields.List(fields.Nested(LoginView))


def account_view(account: Any) -> dict[str, Any]:
    """What MyAccount shows of a row."""
    return {name: getattr(account, name) for name in MyAccount().fields}


def profile_view(account: Any) -> dict[str, Any]:
    """What Profile shows of a row."""
    return {name: getattr(account, name) for name in Profile().fields}
