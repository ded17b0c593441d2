"""Bodies of the services this one replaces."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from api.schemas.feedback import FORMATS, LONGEST_NAME
from api.schemas.fields import Text
from common.tables.learning import LONGEST_QUERY

MOST_IMAGES = 1_000


class InferenceRequest(Schema):
    """The inference service's upload."""

    name = fields.String(load_default=None, allow_none=True)
    data = fields.String(required=True)


class NamedFeedback(Schema):
    """What the sticker search's users say of a query's results: images by file name or id."""

    query = Text(required=True, validate=validate.Length(1, LONGEST_QUERY))
    positive = fields.List(Text(validate=validate.Length(max=LONGEST_NAME)), load_default=list)
    negative = fields.List(Text(validate=validate.Length(max=LONGEST_NAME)), load_default=list)


class StickerFeedback(Schema):
    """The sticker search's feedback, on many queries at once."""

    feedback = fields.List(fields.Nested(NamedFeedback), required=True)

    @validates_schema
    def not_too_much(self, data: Mapping[str, Any], **_options: object) -> None:
        """Each image takes its own time."""
        entries = data["feedback"]
        images = sum(len(each["positive"]) + len(each["negative"]) for each in entries)
        if images > MOST_IMAGES or len(entries) > MOST_IMAGES:
            message = f"At most {MOST_IMAGES:,} images and queries at once."
            raise ValidationError(message, "feedback")


class StickerDownload(Schema):
    """Which feedback the sticker search's ML team downloads, and in what form."""

    query = Text(validate=validate.Length(1, LONGEST_QUERY))
    format = Text(validate=validate.OneOf(FORMATS))
