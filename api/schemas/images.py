"""Images: how they are asked for and shown."""

from collections.abc import Sequence
from typing import Any

from flask import url_for
from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.schemas.fields import Fresh, TaskList, Visible, Whole
from api.schemas.predictions import PredictionView, WaitQuery
from api.schemas.predictions import view as prediction_view
from api.schemas.webhooks import WebhookField
from common.tables import Image, Prediction, StoredObject
from common.tasks.thumbnail import SIZES


class ImageFields(Schema):
    """What may come beside an image's bytes."""

    visibility = Visible()
    fresh = Fresh()
    webhook = WebhookField()


class UploadQuery(WaitQuery):
    """What to ask of the image at once."""

    fresh = Fresh()
    tasks = TaskList(
        load_default=list,
        metadata={"type": "string", "description": "Tasks to ask for, for example `classify`."},
    )


class ThumbnailQuery(Schema):
    """How large."""

    size = Whole(
        load_default=256,
        validate=validate.OneOf(SIZES),
        metadata={"description": "Pixels of the longer side; never more than the image has."},
    )


class ImageView(Schema):
    """An image and what has been asked of it. Width and height are those of the upright image."""

    id = fields.UUID()
    file_name = fields.String(metadata={"example": "cat.jpg"})
    media_type = fields.String(metadata={"example": "image/jpeg"})
    size = fields.Integer(metadata={"description": "Bytes."})
    width = fields.Integer()
    height = fields.Integer()
    sha256 = fields.String(metadata={"description": "Of the uploaded bytes."})
    visibility = fields.String()
    created_at = fields.DateTime(format="iso")
    predictions = fields.List(fields.Nested(PredictionView))
    urls = fields.Dict(keys=fields.String(), values=fields.String())


def view(
    image: Image, stored: StoredObject, predictions: Sequence[Prediction | Row[Any]]
) -> dict[str, Any]:
    """What ImageView shows."""
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
        "predictions": [prediction_view(row) for row in predictions],
        "urls": {
            "get": url_for("images.get", id=image.id, _external=True),
            "content": url_for("images.content", id=image.id, _external=True),
            "thumbnail": url_for("images.thumbnail", id=image.id, _external=True),
        },
    }
