"""The schemas of images: upload, view, list, change and check by sha256."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.http.fields import BoundedList, FreshFlag, TaskNames, Text, VisibilityField, WholeNumber
from api.http.pagination_schemas import NEXT
from api.languages import label_language
from api.predictions.schemas import PredictionView, WaitQuery
from api.webhooks.schemas import WebhookField
from common.images.records import StoredImage
from common.schemas import RequestSchema
from common.tables import Image, StoredObject, Visibility
from common.tasks.thumbnail import FACES, SIZES

MOST_DIGESTS = 1_000
LONGEST_NAME = 255  # characters
NO_DIGEST = "A sha256 has 64 hexadecimal digits."


class ImageFields(RequestSchema):
    """The optional fields of an upload."""

    visibility = VisibilityField()
    fresh = FreshFlag()
    webhook = WebhookField()


class UploadQuery(WaitQuery):
    """The query of an upload."""

    fresh = FreshFlag()
    tasks = TaskNames(
        load_default=list,
        metadata={
            "type": "string",
            "description": "Tasks to run on the image, for example `classify`.",
        },
    )


class ImageQuery(Schema):
    """How an image is shown."""

    lang = label_language()


class ThumbnailQuery(Schema):
    """The query of a thumbnail."""

    size = WholeNumber(
        load_default=256,
        validate=validate.OneOf(SIZES),
        metadata={"description": "Pixels of the longer side; never more than the image has."},
    )


class PreviewQuery(Schema):
    """The query of a preview."""

    blur = fields.String(
        load_default=None,
        validate=validate.OneOf([FACES]),
        metadata={
            "description": "`faces`: each head with a detected face is replaced by a few blurred "
            "blocks, from which it cannot be restored. The detector can miss faces that are "
            "covered, very small or seen from the side. If it is not installed, the response is "
            "503, never the image with faces."
        },
    )


class ImageView(Schema):
    """An image and its predictions. Width and height are those of the upright image."""

    id = fields.UUID()
    file_name = fields.String(metadata={"example": "cat.jpg"})
    media_type = fields.String(metadata={"example": "image/jpeg"})
    size = fields.Integer(metadata={"description": "Bytes."})
    width = fields.Integer()
    height = fields.Integer()
    sha256 = fields.String(metadata={"description": "Of the uploaded bytes."})
    visibility = fields.String()
    created_at = fields.DateTime(format="iso")
    predictions = fields.List(
        fields.Nested(PredictionView),
        metadata={
            "description": "The newest of each task, the owner's before those of other callers. "
            "GET /v1/predictions?image_id= lists all of them."
        },
    )
    urls = fields.Dict(keys=fields.String(), values=fields.String())


class ImageItem(ImageView):
    """An image in a list: without its predictions."""

    class Meta:
        """What marshmallow reads."""

        exclude = ("predictions",)


class ImageList(Schema):
    """A page of images."""

    items = fields.List(fields.Nested(ImageItem))
    next = NEXT


class ImageChange(RequestSchema):
    """The changes of an image: one of these fields, or both."""

    visibility = fields.String(validate=validate.OneOf([str(each) for each in Visibility]))
    file_name = Text(validate=validate.Length(1, LONGEST_NAME), metadata={"example": "cat.jpg"})

    @validates_schema
    def _is_any(self, data: dict[str, Any], **_options: Any) -> None:
        if not data:
            raise ValidationError("Send `visibility`, `file_name` or both.")


class DigestList(RequestSchema):
    """Files to check, by the sha256 of their bytes."""

    sha256 = BoundedList(
        fields.String(
            validate=[
                validate.Regexp("^[0-9A-Fa-f]{64}$", error=NO_DIGEST),
                validate.Length(equal=64, error=NO_DIGEST),
            ]
        ),
        minimum=1,
        limit=MOST_DIGESTS,
        required=True,
        metadata={"description": "Each in hexadecimal.", "example": [64 * "0"]},
    )


class KnownImage(Schema):
    """The caller's image with these bytes."""

    sha256 = fields.String()
    image_id = fields.UUID()


class KnownList(Schema):
    """The files that the caller has uploaded already, and those that are missing."""

    known = fields.List(fields.Nested(KnownImage))
    missing = fields.List(fields.String())


def view(
    image: Image | StoredImage,
    stored: StoredObject | StoredImage,
    predictions: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """An image as `ImageView`; `predictions` are views already."""
    return {
        "id": image.id,
        "file_name": image.file_name,
        "media_type": stored.media_type,
        "size": stored.size,
        "width": image.width,
        "height": image.height,
        "sha256": image.sha256.hex(),
        "visibility": image.visibility,
        "created_at": image.created_at,
        "predictions": list(predictions),
        "urls": {
            "get": url_for("images.get", id=image.id, _external=True),
            "content": url_for("images.content", id=image.id, _external=True),
            "thumbnail": url_for("images.thumbnail", id=image.id, _external=True),
            "preview": url_for("images.preview", id=image.id, _external=True),
        },
    }
