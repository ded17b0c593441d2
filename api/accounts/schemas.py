"""Request and response schemas of accounts."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.http.fields import Flag, Text
from api.login.passwords import LONGEST, SHORTEST
from common.accounts.names import LONGEST_EMAIL, LONGEST_NAME, check_email, check_name
from common.errors import InputFault
from common.schemas import RequestSchema
from common.tables import Role


class Name(Text):
    """The name of a new account."""

    def __init__(self, *, is_operator: bool = False) -> None:
        self.is_operator = is_operator
        super().__init__(
            required=True,
            validate=validate.Length(1, LONGEST_NAME),
            metadata={
                "description": "Letters of one script, digits, spaces and . _ -; names that look "
                "alike count as the same name.",
                "example": "anna",
            },
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        try:
            text = super()._deserialize(value, attr, data, **options)
            return check_name(text, is_operator=self.is_operator)
        except InputFault as error:
            raise ValidationError(error.detail) from error


class Email(fields.Email):
    """An e-mail address."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        # The length comes first: matching the address pattern on a long text is slow.
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
    """A new account."""

    name = Name()
    email = Email(required=True, metadata={"example": "anna@example.org"})
    password = Password()


class OperatorSignUp(SignUp):
    """A new account created on the command line, where reserved names are allowed."""

    name = Name(is_operator=True)


class AccountChange(RequestSchema):
    """A new e-mail address, a new password, or both."""

    email = Email()
    password = Password(required=False)
    current_password = fields.String(
        load_only=True,
        metadata={"description": "Required to change the password or the e-mail address."},
    )
    keep_keys = Flag(
        load_default=False,
        metadata={"description": "Whether API keys stay valid when the password changes."},
    )

    @validates_schema
    def _check(self, fields: dict[str, Any], **_options: Any) -> None:
        if fields.keys() & {"password", "email"} and "current_password" not in fields:
            raise ValidationError(
                "Send the current password to change the password or the e-mail address.",
                "current_password",
            )


class AccountClosing(RequestSchema):
    """The password that confirms closing the account."""

    password = fields.String(required=True, load_only=True)


class Profile(Schema):
    """The public part of an account."""

    name = fields.String()
    created_at = fields.DateTime(format="iso")


class MyAccount(Schema):
    """An account as its owner sees it, with e-mail address and role."""

    id = fields.UUID()
    name = fields.String()
    email = fields.String()
    role = fields.String(validate=validate.OneOf([str(role) for role in Role]))
    created_at = fields.DateTime(format="iso")


class LoginView(Schema):
    """A current log-in."""

    id = fields.UUID()
    created_at = fields.DateTime(format="iso")
    refreshed_at = fields.DateTime(format="iso", allow_none=True)
    expires_at = fields.DateTime(format="iso")
    current = fields.Boolean(
        metadata={"description": "Whether this request was sent with a token of this log-in."}
    )


class LoginList(Schema):
    """The account's current log-ins, at most 100."""

    items = fields.List(fields.Nested(LoginView))


def account_view(account: Any) -> dict[str, Any]:
    """Return the fields of MyAccount from a row."""
    return {name: getattr(account, name) for name in MyAccount().fields}


def profile_view(account: Any) -> dict[str, Any]:
    """Return the fields of Profile from a row."""
    return {name: getattr(account, name) for name in Profile().fields}
