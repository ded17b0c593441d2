"""/v1/images: upload images, look at them, get their bytes."""

from typing import Any

from flask import Response, request, url_for
from flask_smorest import Blueprint

from api.asking import ask_for, preferred_wait, wait_for
from api.body import read_body
from api.content import image_response
from api.context import edge
from api.documentation import UPLOAD_BODY
from api.intake import Accepted, receive
from api.lookup import find_image, predictions_of
from api.schemas.images import ImageFields, ImageView, UploadQuery, view
from common.errors import InputFault
from common.predictions import Ask

blueprint = Blueprint("images", __name__, url_prefix="/v1/images", description="Images.")
FIELDS = ImageFields()


@blueprint.post("")
@blueprint.arguments(UploadQuery, location="query")
@blueprint.response(201, ImageView)
@blueprint.doc(requestBody=UPLOAD_BODY)
def upload(query: dict[str, Any]) -> Any:
    """Upload an image, and ask at once for what `tasks` names."""
    wait = query["wait"] or preferred_wait(request)
    accepted = _take([ask_for(task, interactive=wait > 0) for task in query["tasks"]])
    rows = wait_for(accepted.predictions, wait)
    image, stored = find_image(str(accepted.image))
    return view(image, stored, rows), 201, {"Location": url_for("images.get", id=image.id)}


def _take(asks: list[Ask]) -> Accepted:
    body = read_body(request, aside=["tasks", "wait"])
    fields = FIELDS.load(body.fields)
    if body.image is None:
        detail = "There is no image in the request."
        raise InputFault(detail, code="image_missing", errors={body.image_field: [detail]})
    return receive(edge(), body.image, body.file_name, fields["visibility"], asks)


@blueprint.get("/<id>")
@blueprint.response(200, ImageView)
def get(id: str) -> dict[str, Any]:
    """An image and the predictions made of it."""
    image, stored = find_image(id)
    return view(image, stored, predictions_of(image))


@blueprint.get("/<id>/content")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
def content(id: str) -> Response:
    """The image's bytes, without the metadata that may say where it was taken."""
    return image_response(*find_image(id))
