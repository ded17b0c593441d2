"""The outline service's two routes: upload an image, read the outlines of its objects by id."""

from typing import Any

from flask import Blueprint, request, url_for

from api.accounts.permissions import upload_permission_required
from api.compat.deprecation import add_deprecation_headers
from api.http.body.parser import Body, read_body
from api.http.idempotency import idempotency_key, replayable
from api.predictions.queries import find_prediction
from api.predictions.requests import new_task_request
from api.state import current_user
from api.uploads.service import accept_upload
from common.errors import InputFault, NotFound
from common.predictions import PredictionRecord
from common.predictions.public_view import to_public

TASK, FORMAT = "outline", "polygons"

blueprint = Blueprint("outline", __name__)
add_deprecation_headers(blueprint)


@blueprint.post("/image/outline/objects")
@blueprint.post("/image/outline/objects/")
@upload_permission_required
@replayable
def outline() -> dict[str, str]:
    """Create an outline prediction; return its id and the URL of its result."""
    body = read_body(request)
    key = idempotency_key(body.image, body.file_name, body.fields)
    task_requests = [new_task_request(TASK, {"format": FORMAT})]
    accepted = accept_upload(_image(body), body.file_name, None, task_requests, key)
    id = str(accepted.predictions[0].id)
    return {"id": id, "url": url_for("outline.check", id=id, _external=True)}


def _image(body: Body) -> bytes:
    if body.image is None:
        raise InputFault(
            "The request contains no image. With curl: -F 'image=@photo.jpg'",
            code="image_missing",
            errors={"image": ["must be a file part of the form"]},
        )
    return body.image


@blueprint.get("/outline/objects/check/<id>/")
@blueprint.get("/outline/objects/check/<id>")  # url_for() uses this rule
def check(id: str) -> Any:
    """Return the outlines of all objects; `objects` is null until the prediction has finished."""
    row = find_prediction(id)
    if row.task != TASK or row.params.get("format") != FORMAT:
        raise NotFound("No outline prediction has this id.", code="prediction_not_found")
    final = row.is_final
    return _view(row), 200, {} if final else {"Retry-After": "1"}


def _view(row: PredictionRecord) -> dict[str, Any]:
    """Return the body; `error` gives the reason if the prediction has failed."""
    body = {"id": str(row.id), "status": row.state, "objects": None}
    if row.result:
        return body | {"objects": row.result["objects"]}
    if row.is_final:
        return body | {
            "objects": [],
            "error": to_public(row, current_user())["error"],
        }
    return body
