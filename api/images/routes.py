"""/v1/images: upload, list, read, change and delete images."""

from typing import Any

from flask import Response, request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import account_required, upload_permission_required
from api.http.body.parser import LARGE, read_body, read_fields, required_image
from api.http.idempotency import idempotency_key, replayable
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
    ImageQuery,
    ImageView,
    KnownList,
    PreviewQuery,
    ThumbnailQuery,
    UploadQuery,
    view,
)
from api.images.service import change, check, page, remove
from api.images.thumbnails import thumbnail_response
from api.languages import in_language
from api.predictions.queries import find_image
from api.predictions.requests import new_task_request, preferred_wait, wait_for
from api.predictions.schemas import view as prediction_view
from api.state import current_user
from api.uploads.new_upload import Accepted
from api.uploads.service import accept_upload
from api.webhooks.service import with_webhook
from common.tasks.thumbnail import MEDIA_TYPE, PREVIEW

blueprint = Blueprint("images", __name__, url_prefix="/v1/images", description="Images.")
FIELDS, CHANGE, DIGESTS = ImageFields(), ImageChange(), DigestList()


@blueprint.post("")
@upload_permission_required
@replayable
@blueprint.arguments(UploadQuery(), location="query")
@blueprint.response(201, ImageView)
@blueprint.alt_response(
    200, schema=ImageView, description="The owner had uploaded these bytes before"
)
@blueprint.doc(requestBody=UPLOAD_BODY)
def upload(query: dict[str, Any]) -> Any:
    """Upload an image, and create a prediction for each task in `tasks`."""
    wait = query["wait"] or preferred_wait(request)
    accepted = _accept(query, interactive=wait > 0)
    rows = wait_for(accepted.predictions, wait)
    image, stored = find_image(str(accepted.image))
    status = 201 if accepted.is_new else 200
    views = [prediction_view(row, current_user(), is_asked_now=True) for row in rows]
    predictions = [in_language(each, query.get("lang")) for each in views]
    return (
        view(image, stored, predictions),
        status,
        {"Location": url_for("images.get", id=image.id)},
    )


def _accept(query: dict[str, Any], interactive: bool) -> Accepted:
    body = read_body(request, ignored=["tasks", "wait", "fresh", "lang"])
    key = idempotency_key(body.image, body.file_name, body.fields)
    fields = FIELDS.load(body.fields)
    fresh = query["fresh"] or fields["fresh"]
    task_requests = [
        new_task_request(task, interactive=interactive, fresh=fresh) for task in query["tasks"]
    ]
    image = required_image(body)
    task_requests = with_webhook(task_requests, fields["webhook"])
    return accept_upload(image, body.file_name, fields["visibility"], task_requests, key)


@blueprint.get("")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImageList)
def list_mine(query: dict[str, Any]) -> Any:
    """List my images, the newest first."""
    return page_answer(page(query), query, lambda row: view(row, row))


@blueprint.post("/check")
@account_required
@blueprint.response(200, KnownList)
@blueprint.doc(requestBody=json_body(DigestList))
def check_digests() -> Any:
    """Check which of these files I have uploaded already, by their sha256."""
    return check(DIGESTS.load(read_fields(request, limit=LARGE))["sha256"])


@blueprint.patch("/<id>")
@account_required
@blueprint.response(200, ImageView)
@blueprint.doc(requestBody=json_body(ImageChange))
def patch(id: str) -> Any:
    """Change the visibility or the file name of my image."""
    change(id, CHANGE.load(read_fields(request)))
    image, stored = find_image(id)
    return view(image, stored, newest_views(image))


@blueprint.delete("/<id>")
@account_required
@blueprint.response(204)
def delete(id: str) -> None:
    """Delete my image, its predictions and posts, and its bytes if no other image has the same."""
    remove(id)


@blueprint.get("/<id>")
@blueprint.arguments(ImageQuery, location="query")
@blueprint.response(200, ImageView)
def get(query: dict[str, Any], id: str) -> dict[str, Any]:
    """Get an image and its newest prediction of each task."""
    image, stored = find_image(id)
    views = [in_language(each, query.get("lang")) for each in newest_views(image)]
    return view(image, stored, views)


@blueprint.get("/<id>/content")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
@blueprint.alt_response(206, description="The range of bytes that `Range` requests")
@blueprint.alt_response(416, schema=Problem, description="The range is outside the image")
def content(id: str) -> Response:
    """Get the bytes of an image, without metadata that may reveal where it was taken."""
    return image_response(*find_image(id))


@blueprint.get("/<id>/thumbnail")
@blueprint.arguments(ThumbnailQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
@blueprint.alt_response(503, schema=Problem, description="Not ready in time: repeat the request")
def thumbnail(query: dict[str, Any], id: str) -> Response:
    """Get a thumbnail: the image upright and small, made at the first request."""
    return thumbnail_response(find_image(id)[0], query["size"])


@blueprint.get("/<id>/preview")
@blueprint.arguments(PreviewQuery, location="query")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type=MEDIA_TYPE)
@blueprint.alt_response(503, schema=Problem, description="Not ready in time: repeat the request")
def preview(query: dict[str, Any], id: str) -> Response:
    """Get the image as a JPEG that every browser shows: upright, of at most 2,048 pixels a side."""
    return thumbnail_response(find_image(id)[0], PREVIEW, query["blur"])
