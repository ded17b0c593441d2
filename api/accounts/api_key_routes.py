"""/v1/keys: personal API keys."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.api_keys import make, page, remove
from api.accounts.requirements import for_users
from api.http.body.parser import read_fields
from api.login.schemas import KeyList, KeysQuery, MadeKey, NewKey

blueprint = Blueprint("keys", __name__, url_prefix="/v1/keys", description="API keys.")
BODY = {"content": {"application/json": {"schema": NewKey}}, "required": True}


@blueprint.post("")
@for_users
@blueprint.response(201, MadeKey)
@blueprint.doc(requestBody=BODY)
def create() -> Any:
    """Make a key. It is shown now and never again."""
    return make(read_fields(request)), 201, {"Cache-Control": "no-store"}


@blueprint.get("")
@blueprint.arguments(KeysQuery, location="query")
@blueprint.response(200, KeyList)
def list_keys(query: dict[str, Any]) -> Any:
    """My keys, the newest first."""
    items, after = page(query)
    link = url_for("keys.list_keys", _external=True, limit=query["limit"], cursor=after)
    headers = {"Link": f'<{link}>; rel="next"'} if after else {}
    return {"items": items, "next": after}, 200, headers


@blueprint.delete("/<id>")
@for_users
@blueprint.response(204)
def delete(id: str) -> None:
    """Let a key be good no more."""
    remove(id)
