"""index: what is known of an image goes into the search index; no caller names it."""

from marshmallow import Schema, fields

from common.tasks import MINUTE, Contract


class IndexParams(Schema):
    """Which image; one that is gone leaves the index."""

    image_id = fields.UUID(required=True)


class IndexResult(Schema):
    """Nothing: the index is what was made."""


CONTRACT = Contract(
    name="index",
    summary="What is known of the image, into the search index.",
    params=IndexParams,
    result=IndexResult,
    cacheable=False,
    deadline=30 * 24 * 60 * MINUTE,  # a change must not be forgotten because no engine was there
    internal=True,
    takes_image=False,
)
