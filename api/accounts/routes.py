"""/v1/users: create, show, change and close accounts; list and end log-ins."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts import service
from api.accounts.permissions import account_required
from api.accounts.schemas import (
    AccountChange,
    AccountClosing,
    LoginList,
    MyAccount,
    Profile,
    SignUp,
    account_view,
    profile_view,
)
from api.http.body.parser import read_fields

blueprint = Blueprint("users", __name__, url_prefix="/v1/users", description="Accounts.")


def _body(schema: type) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, "required": True}


@blueprint.post("")
@blueprint.response(201, MyAccount)
@blueprint.doc(requestBody=_body(SignUp))
def create() -> Any:
    """Create an account. Other users never see its e-mail address."""
    account = service.sign_up(read_fields(request))
    return account_view(account), 201, {"Location": url_for("users.mine")}


@blueprint.get("/me")
@blueprint.response(200, MyAccount)
def mine() -> Any:
    """Get my account."""
    return account_view(service.my_account())


@blueprint.patch("/me")
@account_required
@blueprint.response(200, MyAccount)
@blueprint.doc(requestBody=_body(AccountChange))
def edit() -> Any:
    """Change my e-mail address or my password.

    Both require `current_password`. A new password ends my other log-ins. It also deletes my API
    keys, unless `keep_keys` is true.
    """
    return account_view(service.change_account(read_fields(request)))


@blueprint.delete("/me")
@account_required
@blueprint.response(204)
@blueprint.doc(requestBody=_body(AccountClosing))
def delete() -> None:
    """Close my account and delete everything that belongs to it."""
    service.close_account(read_fields(request))


@blueprint.get("/me/logins")
@blueprint.response(200, LoginList)
def list_logins() -> Any:
    """List my current log-ins, newest first."""
    return {"items": service.my_logins()}, 200, {"Cache-Control": "no-store"}


@blueprint.delete("/me/logins/<id>")
@blueprint.response(204)
def delete_login(id: str) -> None:
    """End one of my log-ins and revoke all of its tokens."""
    service.end_login(id)


@blueprint.get("/<name>")
@blueprint.response(200, Profile)
def get(name: str) -> Any:
    """Get the public profile of an account."""
    return profile_view(service.find_profile(name))
