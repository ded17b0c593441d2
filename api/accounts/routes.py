"""/v1/users: accounts."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.requirements import for_users
from api.accounts.schemas import (
    Change,
    Leave,
    LoginList,
    MyAccount,
    Profile,
    SignUp,
    account_view,
    profile_view,
)
from api.accounts.service import change, end_login, leave, my_account, my_logins, profile, sign_up
from api.http.body.parser import read_fields

blueprint = Blueprint("users", __name__, url_prefix="/v1/users", description="Accounts.")


def _body(schema: type) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, "required": True}


@blueprint.post("")
@blueprint.response(201, MyAccount)
@blueprint.doc(requestBody=_body(SignUp))
def create() -> Any:
    """Open an account. Its e-mail address is shown to nobody else."""
    view = account_view(sign_up(read_fields(request)))
    return view, 201, {"Location": url_for("users.mine")}


@blueprint.get("/me")
@blueprint.response(200, MyAccount)
def mine() -> Any:
    """My account."""
    return account_view(my_account())


@blueprint.patch("/me")
@for_users
@blueprint.response(200, MyAccount)
@blueprint.doc(requestBody=_body(Change))
def edit() -> Any:
    """Change my e-mail address or my password.

    Both need `current_password`. A new password ends my other log-ins and deletes my API keys,
    unless `keep_keys` is true.
    """
    return account_view(change(read_fields(request)))


@blueprint.delete("/me")
@for_users
@blueprint.response(204)
@blueprint.doc(requestBody=_body(Leave))
def delete() -> None:
    """Close my account: it goes with all that is its own."""
    leave(read_fields(request))


@blueprint.get("/me/logins")
@blueprint.response(200, LoginList)
def list_logins() -> Any:
    """My log-ins that are valid now, the newest first."""
    return {"items": my_logins()}, 200, {"Cache-Control": "no-store"}


@blueprint.delete("/me/logins/<id>")
@blueprint.response(204)
def delete_login(id: str) -> None:
    """End one of my log-ins: none of its tokens is valid any longer."""
    end_login(id)


@blueprint.get("/<name>")
@blueprint.response(200, Profile)
def get(name: str) -> Any:
    """What everybody may see of an account."""
    return profile_view(profile(name))
