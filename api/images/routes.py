"""/v1/images: upload images, look at them, get their bytes."""

from typing import Any

from flask import Response, request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import account_required, upload_permission_required
from api.http.body.parser import LARGE, read_body, read_fields
from api.http.idempotency import key_of, replayable
from api.http.openapi import UPLOAD_BODY, json_body
from api.http.pagination import page_answer
from api.http.pagination_schemas import PageQuery
from api.http.problems import Problem
from api.images.latest_predictions import newest_views
from api.images.response import image_response
from api.images.schemas import (
    DigestList,
    ImageChange,
    ImageFields,
    ImageList,
    ImageView,
    KnownList,
    ThumbnailQuery,
    UploadQuery,
    view,
)
from api.images.service import change, check, page, remove
from api.images.thumbnails import thumbnail_response
from api.predictions.queries import find_image
from api.predictions.requests import ask_for, preferred_wait, wait_for
from api.predictions.schemas import view as prediction_view
from api.state import current_user
from api.uploads.new_upload import Accepted
from api.uploads.service import accept_upload
from api.webhooks.service import with_webhook
from common.errors import InputFault
from common.tasks.thumbnail import MEDIA_TYPE

blueprint = Blueprint("images", __name__, url_prefix="/v1/images", description="Images.")
FIELDS, CHANGE, DIGESTS = ImageFields(), ImageChange(), DigestList()


@blueprint.post("")
@upload_permission_required
@replayable
@blueprint.arguments(UploadQuery, location="query")
@blueprint.response(201, ImageView)
@blueprint.alt_response(200, schema=ImageView, description="Sent before by the same owner")
@blueprint.doc(requestBody=UPLOAD_BODY)
def upload(query: dict[str, Any]) -> Any:
    """Upload an image, and ask at once for what `tasks` names."""
    wait = query["wait"] or preferred_wait(request)
    accepted = _take(query, interactive=wait > 0)
    rows = wait_for(accepted.predictions, wait)
    image, stored = find_image(str(accepted.image))
    status = 201 if accepted.is_new else 200
    asked = [prediction_view(row, current_user(), is_asked_now=True) for row in rows]
    return view(image, stored, asked), status, {"Location": url_for("images.get", id=image.id)}


def _take(query: dict[str, Any], interactive: bool) -> Accepted:
    body = read_body(request, ignored=["tasks", "wait", "fresh"])
    key = key_of(body.image, body.file_name, body.fields)
    fields = FIELDS.load(body.fields)
    fresh = query["fresh"] or fields["fresh"]
    task_requests = [ask_for(task, interactive=interactive, fresh=fresh) for task in query["tasks"]]
    if body.image is None:
        detail = "There is no image in the request."
        raise InputFault(detail, code="image_missing", errors={body.image_field: [detail]})
    task_requests = with_webhook(task_requests, fields["webhook"])
    return accept_upload(body.image, body.file_name, fields["visibility"], task_requests, key)


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImageList)
def list_mine(query: dict[str, Any]) -> Any:
    """My images, the newest first."""
    return page_answer(page(query), query, lambda row: view(row, row))


@blueprint.post("/check")
@account_required
@blueprint.response(200, KnownList)
@blueprint.doc(requestBody=json_body(DigestList))
def check_digests() -> Any:
    """Which of these files I have sent already, by their sha256."""
    return check(DIGESTS.load(read_fields(request, limit=LARGE))["sha256"])


@blueprint.patch("/<id>")
@account_required
@blueprint.response(200, ImageView)
@blueprint.doc(requestBody=json_body(ImageChange))
def patch(id: str) -> Any:
    """Change who may see my image, or its file name."""
    change(id, CHANGE.load(read_fields(request)))
    image, stored = find_image(id)
    return view(image, stored, newest_views(image))


@blueprint.delete("/<id>")
@account_required
@blueprint.response(204)
def delete(id: str) -> None:
    """Remove my image, what was asked of it, its posts, and its bytes when nobody else has them."""
    remove(id)


@blueprint.get("/<id>")
@blueprint.response(200, ImageView)
def get(id: str) -> dict[str, Any]:
    """An image, and the newest prediction of each task that was asked of it."""
    image, stored = find_image(id)
    return view(image, stored, newest_views(image))


@blueprint.get("/<id>/content")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
@blueprint.alt_response(206, description="The range of bytes that `Range` asks for")
@blueprint.alt_response(416, schema=Problem, description="The range lies outside of the image")
def content(id: str) -> Response:
    """The image's bytes, without the metadata that may say where it was taken."""
    return image_response(*find_image(id))


@blueprint.get("/<id>/thumbnail")
@blueprint.arguments(ThumbnailQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
@blueprint.alt_response(503, schema=Problem, description="Not made in time: ask again")
def thumbnail(query: dict[str, Any], id: str) -> Response:
    """The image upright and small, made when it is first asked for."""
    return thumbnail_response(find_image(id)[0], query["size"])
