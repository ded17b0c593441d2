"""/v1/keys: personal API keys."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.accounts.permissions import account_required
from api.api_keys import service
from api.api_keys.schemas import CreatedKey, KeyList, KeyRequest, KeysQuery, key_view
from api.http.body.parser import read_fields
from api.http.pagination import page_answer

blueprint = Blueprint("keys", __name__, url_prefix="/v1/keys", description="API keys.")
BODY = {"content": {"application/json": {"schema": KeyRequest}}, "required": True}


@blueprint.post("")
@account_required
@blueprint.response(201, CreatedKey)
@blueprint.doc(requestBody=BODY)
def create() -> Any:
    """Create an API key. The response is the only one that contains the key itself."""
    return service.create_key(read_fields(request)), 201, {"Cache-Control": "no-store"}


@blueprint.get("")
@blueprint.arguments(KeysQuery, location="query")
@blueprint.response(200, KeyList)
def list_keys(query: dict[str, Any]) -> Any:
    """List my API keys, newest first."""
    return page_answer(service.list_keys(query), query, key_view)


@blueprint.delete("/<id>")
@account_required
@blueprint.response(204)
def delete(id: str) -> None:
    """Delete an API key. Requests that send it are refused from now on."""
    service.delete_key(id)
