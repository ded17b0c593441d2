"""/v1/batches: ask for up to a thousand predictions at once, and follow them as one."""

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
    """Ask for many predictions of stored images at once."""
    id = take(request)
    location = url_for("batches.get", id=id)
    return view(*find(str(id))), 202, {"Location": location, "Retry-After": "1"}


@blueprint.get("/<id>")
@blueprint.response(200, BatchView)
def get(id: str) -> Any:
    """A batch with how many of its items have which status."""
    return view(*find(id))


@blueprint.get("/<id>/items")
@blueprint.arguments(ItemsQuery, location="query")
@blueprint.response(200, BatchItemList)
def items(query: dict[str, Any], id: str) -> Any:
    """The items in the order they were sent, all or those of one status."""
    return page_answer(items_of(find(id)[0].id, query), query, item_view)


@blueprint.get("/<id>/results")
@blueprint.response(200, {"type": "string"}, content_type="application/x-ndjson")
def results(id: str) -> Response:
    """The items with their results as they stand, a line of JSON each, in the order sent."""
    return results_of(find(id)[0].id)


@blueprint.post("/<id>/cancel")
@blueprint.response(200, BatchView)
def cancel(id: str) -> Any:
    """Cancel what is queued; what is being processed is canceled when it ends."""
    cancel_all(find(id)[0].id)
    return view(*find(id))


@blueprint.post("/<id>/retry")
@blueprint.response(200, BatchView)
def retry(id: str) -> Any:
    """Have those items done again that failed or expired, as if they were new."""
    retry_failed(find(id)[0].id)
    return view(*find(id))
