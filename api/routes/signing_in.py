"""/token: who signs in gets tokens."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.logging_in import log_in
from api.schemas.accounts import LOG_IN_BODY, Tokens

blueprint = Blueprint("tokens", __name__, description="Signing in and out.")
NEVER_KEPT = {"Cache-Control": "no-store"}


@blueprint.post("/token/")
@blueprint.post("/token")
@blueprint.response(200, Tokens)
@blueprint.doc(requestBody=LOG_IN_BODY)
def create() -> Any:
    """Sign in with name and password."""
    return log_in(request), 200, NEVER_KEPT
