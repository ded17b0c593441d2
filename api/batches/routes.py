"""/v1/batches: create up to 1,000 predictions of stored images with one request."""

from typing import Any

from flask import Response, request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import upload_permission_required
from api.batches.schemas import BATCH_BODY, BatchItemList, BatchView, ItemsQuery, item_view, view
from api.batches.service import cancel_all, find, items_of, results_of, retry_failed, take
from api.http.idempotency import replayable
from api.http.pagination import page_answer

blueprint = Blueprint("batches", __name__, url_prefix="/v1/batches", description="Batches.")


@blueprint.post("")
@upload_permission_required
@replayable
@blueprint.response(202, BatchView)
@blueprint.doc(requestBody=BATCH_BODY)
def create() -> Any:
    """Create a batch: up to 1,000 predictions of stored images."""
    id = take(request)
    location = url_for("batches.get", id=id)
    return view(*find(str(id))), 202, {"Location": location, "Retry-After": "1"}


@blueprint.get("/<id>")
@blueprint.response(200, BatchView)
def get(id: str) -> Any:
    """Get a batch and the number of its items by status."""
    return view(*find(id))


@blueprint.get("/<id>/items")
@blueprint.arguments(ItemsQuery, location="query")
@blueprint.response(200, BatchItemList)
def items(query: dict[str, Any], id: str) -> Any:
    """List the items in the order they were sent, all or those with one status."""
    return page_answer(items_of(find(id)[0].id, query), query, item_view)


@blueprint.get("/<id>/results")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson")
def results(id: str) -> Response:
    """Download the items with their current results, one line of JSON each, in the order sent."""
    return results_of(find(id)[0].id)


@blueprint.post("/<id>/cancel")
@blueprint.response(200, BatchView)
def cancel(id: str) -> Any:
    """Cancel the queued predictions at once, and those being processed when they end."""
    cancel_all(find(id)[0].id)
    return view(*find(id))


@blueprint.post("/<id>/retry")
@blueprint.response(200, BatchView)
def retry(id: str) -> Any:
    """Queue the failed and expired predictions again."""
    retry_failed(find(id)[0].id)
    return view(*find(id))
