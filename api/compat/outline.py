"""The outline service's two routes: post an image, ask for its objects' outlines by id."""

from typing import Any

from flask import Blueprint, request, url_for

from api.accounts.permissions import upload_permission_required
from api.compat.deprecation import say_deprecated
from api.http.body.parser import Body, read_body
from api.http.idempotency import key_of, replayable
from api.predictions.queries import find_prediction
from api.predictions.requests import ask_for
from api.state import app_state, current_user
from api.uploads.service import receive
from common.errors import InputFault, NotFound
from common.predictions import PredictionRecord
from common.predictions.public_view import to_public

TASK, FORMAT = "outline", "polygons"

blueprint = Blueprint("outline", __name__)
say_deprecated(blueprint)


@blueprint.post("/image/outline/objects")
@blueprint.post("/image/outline/objects/")
@upload_permission_required
@replayable
def outline() -> dict[str, str]:
    """The id to ask with, and the address to ask at."""
    body = read_body(request)
    key = key_of(body.image, body.file_name, body.fields)
    task_requests = [ask_for(TASK, {"format": FORMAT})]
    accepted = receive(app_state(), _image(body), body.file_name, None, task_requests, key)
    id = str(accepted.predictions[0].id)
    return {"id": id, "url": url_for("outline.check", id=id, _external=True)}


def _image(body: Body) -> bytes:
    if body.image is None:
        raise InputFault(
            "There is no image in the request. With curl: -F 'image=@photo.jpg'",
            code="image_missing",
            errors={"image": ["must be a file part"]},
        )
    return body.image


@blueprint.get("/outline/objects/check/<id>/")
@blueprint.get("/outline/objects/check/<id>")  # the rule that addresses are made by
def check(id: str) -> Any:
    """The outlines of all objects; `objects` is null until it has finished."""
    row = find_prediction(id)
    if row.task != TASK or row.params.get("format") != FORMAT:
        raise NotFound("There is no such outline.", code="prediction_not_found")
    final = row.is_final
    return _view(row), 200, {} if final else {"Retry-After": "1"}


def _view(row: PredictionRecord) -> dict[str, Any]:
    """Where there will be no outlines, `error` says why."""
    told = {"id": str(row.id), "status": row.state, "objects": None}
    if row.result:
        return told | {"objects": row.result["objects"]}
    if row.is_final:
        return told | {
            "objects": [],
            "error": to_public(row, current_user())["error"],
        }
    return told
