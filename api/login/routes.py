"""/token: log in, refresh the tokens, log out."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.http.body.parser import read_fields
from api.login.schemas import LOG_IN_BODY, Refresh, Tokens
from api.login.service import log_in, log_out, refresh_tokens

blueprint = Blueprint("tokens", __name__, description="Logging in and out.")
NO_STORE = {"Cache-Control": "no-store"}
REFRESH_BODY = {"content": {"application/json": {"schema": Refresh}}, "required": True}


@blueprint.post("/token/")
@blueprint.post("/token")
@blueprint.response(200, Tokens)
@blueprint.doc(requestBody=LOG_IN_BODY)
def create() -> Any:
    """Log in with name and password. Returns an access token and a refresh token."""
    return log_in(request), 200, NO_STORE


@blueprint.post("/v1/token/refresh")
@blueprint.response(200, Tokens)
@blueprint.doc(requestBody=REFRESH_BODY)
def refresh() -> Any:
    """Exchange a refresh token for new tokens. Each refresh token can be used once.

    If the same client sends it again within a minute, it gets the same new tokens. Any other reuse
    revokes the log-in with all of its tokens.
    """
    return refresh_tokens(read_fields(request)), 200, NO_STORE


@blueprint.delete("/v1/token")
@blueprint.response(204)
def delete() -> None:
    """Log out: revoke this log-in with all of its tokens."""
    log_out()
