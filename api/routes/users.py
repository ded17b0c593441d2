"""/v1/users: accounts."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts import my_account, sign_up
from api.body import read_fields
from api.schemas.accounts import MyAccount, SignUp, account_view

blueprint = Blueprint("users", __name__, url_prefix="/v1/users", description="Accounts.")


@blueprint.post("")
@blueprint.response(201, MyAccount)
@blueprint.doc(requestBody={"content": {"application/json": {"schema": SignUp}}, "required": True})
def create() -> Any:
    """Open an account. Its e-mail address is shown to nobody else."""
    view = account_view(sign_up(read_fields(request)))
    return view, 201, {"Location": url_for("users.mine")}


@blueprint.get("/me")
@blueprint.response(200, MyAccount)
def mine() -> Any:
    """My account."""
    return account_view(my_account())
