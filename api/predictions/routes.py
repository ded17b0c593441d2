"""/v1/predictions: create predictions, get their results, cancel and retry them."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import upload_permission_required
from api.http.body.parser import Body, check_one_image, read_body
from api.http.idempotency import idempotency_key, replayable
from api.http.openapi import PREDICTION_BODY
from api.http.pagination import Page, page_answer
from api.http.problems import Problem
from api.languages import in_language
from api.predictions.actions import cancel_prediction, retry_prediction
from api.predictions.history import page
from api.predictions.history_schemas import Log, LogQuery, log_view
from api.predictions.model_selection import with_model
from api.predictions.queries import (
    check_still_visible,
    find_image,
    find_my_prediction,
    find_prediction,
)
from api.predictions.requests import (
    answer,
    current_answer,
    new_task_request,
    preferred_wait,
    wait_for,
)
from api.predictions.schemas import (
    CreateQuery,
    PredictionRequest,
    PredictionView,
    RetryQuery,
    WaitQuery,
)
from api.search.results import without_hidden
from api.state import current_user
from api.uploads.new_upload import Accepted
from api.uploads.service import accept_predictions, accept_upload
from api.webhooks.service import with_webhook
from common.errors import InputFault, NotFound

blueprint = Blueprint(
    "predictions", __name__, url_prefix="/v1/predictions", description="Predictions."
)

REQUEST = PredictionRequest()


@blueprint.post("")
@upload_permission_required
@replayable
@blueprint.arguments(CreateQuery(), location="query")
@blueprint.response(202, PredictionView)
@blueprint.alt_response(200, schema=PredictionView, description="Final in time, or cached")
@blueprint.doc(requestBody=PREDICTION_BODY)
def create(query: dict[str, Any]) -> Any:
    """Run a task on an image in the request, or on a stored image by its id."""
    wait = query["wait"] or preferred_wait(request)
    body = read_body(request, ignored=["wait", "fresh", "lang"])
    accepted = _accept(body, interactive=wait > 0, fresh=query["fresh"])
    return _labelled(answer(accepted.predictions[0], wait), query.get("lang"))


def _accept(body: Body, interactive: bool, fresh: bool) -> Accepted:
    key = idempotency_key(body.image, body.file_name, body.fields)
    wanted = REQUEST.load(body.fields)
    about = wanted["params"], wanted["metadata"], interactive, wanted.get("deadline")
    task = new_task_request(wanted["task"], *about, fresh=fresh or wanted["fresh"])
    task_requests = with_webhook([with_model(task, wanted["model"])], wanted["webhook"])
    check_one_image(body, "image_id" in wanted, "a stored one")
    if body.image is not None:
        return accept_upload(body.image, body.file_name, wanted["visibility"], task_requests, key)
    return accept_predictions(_stored(str(wanted["image_id"])), task_requests, key)


def _stored(id: str) -> Any:
    try:
        return find_image(id)[0]
    except NotFound as error:
        raise InputFault(
            error.detail, code=error.code, errors={"image_id": ["no such image"]}
        ) from error


@blueprint.get("")
@blueprint.arguments(LogQuery, location="query")
@blueprint.response(200, Log)
def list_mine(query: dict[str, Any]) -> Any:
    """List my predictions, newest first, with the reasons of failures. Admins get those of all
    users. With `image_id`: all predictions of an image that I may see.

    With `status` or `task`, a page is searched for in up to 10,000 predictions.
    """
    entries, caller = page(query), current_user()
    views = without_hidden(caller, [log_view(entry, caller) for entry in entries.items])
    return page_answer(Page(views, entries.next), query, dict)


@blueprint.get("/<id>")
@blueprint.arguments(WaitQuery(), location="query")
@blueprint.response(200, PredictionView)
def get(query: dict[str, Any], id: str) -> Any:
    """Get a prediction; with `wait`, as soon as it is final. If too many requests of the caller,
    or of all callers, wait already, the answer comes at once.
    """
    [record] = wait_for([find_prediction(id)], query["wait"], is_poll=True)
    return _labelled(current_answer(check_still_visible(record)), query.get("lang"))


def _labelled(answered: Any, language: str | None) -> Any:
    """The answer with the labels of its prediction in this language."""
    if language is None or not isinstance(answered, tuple):
        return answered
    body, *rest = answered
    return in_language(body, language), *rest


@blueprint.post("/<id>/cancel")
@blueprint.response(202, PredictionView)
@blueprint.alt_response(200, schema=PredictionView, description="Canceled, or already final")
def cancel(id: str) -> Any:
    """Cancel a prediction: at once if it is queued; if it is being processed, when it ends.

    A final prediction does not change.
    """
    return current_answer(cancel_prediction(find_my_prediction(id)), unfinished=202)


@blueprint.post("/<id>/retry")
@blueprint.arguments(RetryQuery, location="query")
@blueprint.response(202, PredictionView)
@blueprint.alt_response(200, schema=PredictionView, description="Already final again")
@blueprint.alt_response(
    409, schema=Problem, content_type="application/problem+json", description="It has succeeded"
)
def retry(query: dict[str, Any], id: str) -> Any:
    """Run a failed, canceled or expired prediction again, with the same id.

    A prediction that is queued or being processed does not change.
    """
    record = retry_prediction(find_my_prediction(id), query.get("deadline"))
    body, status, headers = current_answer(record, unfinished=202)
    return body, status, headers | {"Location": url_for("predictions.get", id=record.id)}
