"""Request bodies of the earlier services."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.feedback.schemas import FORMATS, LONGEST_NAME
from api.http.fields import BoundedList, Text
from common.schemas import RequestSchema
from common.tables.feedback import LONGEST_QUERY

MOST_IMAGES = 1_000


class InferenceRequest(RequestSchema):
    """The inference service's upload."""

    name = fields.String(load_default=None, allow_none=True)
    data = fields.String(required=True)


class ImageName(Text):
    """The file name or the id of an image."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Length(max=LONGEST_NAME))


class NamedFeedback(RequestSchema):
    """Feedback on the results of one query; images are named by file name or id."""

    query = Text(required=True, validate=validate.Length(1, LONGEST_QUERY))
    positive = BoundedList(ImageName(), limit=MOST_IMAGES, load_default=list)
    negative = BoundedList(ImageName(), limit=MOST_IMAGES, load_default=list)


class StickerFeedback(RequestSchema):
    """The sticker search's feedback, on many queries at once."""

    feedback = BoundedList(fields.Nested(NamedFeedback), limit=MOST_IMAGES, required=True)

    @validates_schema
    def not_too_much(self, data: Mapping[str, Any], **_options: object) -> None:
        """Limit the number of images and queries, because each image costs a lookup."""
        entries = data["feedback"]
        images = sum(len(each["positive"]) + len(each["negative"]) for each in entries)
        if images > MOST_IMAGES or len(entries) > MOST_IMAGES:
            message = f"At most {MOST_IMAGES:,} images and queries per request."
            raise ValidationError(message, "feedback")


class StickerDownload(Schema):
    """The query and the format of a feedback download."""

    query = Text(validate=validate.Length(1, LONGEST_QUERY))
    format = Text(validate=validate.OneOf(FORMATS))
