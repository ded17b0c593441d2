"""/token: sign in, refresh the tokens, sign out."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.http.body.parser import read_fields
from api.login.schemas import LOG_IN_BODY, Refresh, Tokens
from api.login.service import log_in, log_out
from api.login.service import refresh as carry_on

blueprint = Blueprint("tokens", __name__, description="Signing in and out.")
NEVER_KEPT = {"Cache-Control": "no-store"}
REFRESH_BODY = {"content": {"application/json": {"schema": Refresh}}, "required": True}


@blueprint.post("/token/")
@blueprint.post("/token")
@blueprint.response(200, Tokens)
@blueprint.doc(requestBody=LOG_IN_BODY)
def create() -> Any:
    """Sign in with name and password."""
    return log_in(request), 200, NEVER_KEPT


@blueprint.post("/v1/token/refresh")
@blueprint.response(200, Tokens)
@blueprint.doc(requestBody=REFRESH_BODY)
def refresh() -> Any:
    """New tokens for a refresh token, which can be used once.

    Within a minute the same client may send it again and gets the tokens that replaced it. Reusing
    it otherwise revokes the log-in.
    """
    return carry_on(read_fields(request)), 200, NEVER_KEPT


@blueprint.delete("/v1/token")
@blueprint.response(204)
def delete() -> None:
    """Sign out: no token of this log-in is valid any longer."""
    log_out()
