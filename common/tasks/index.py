"""index: write an image's results, posts and file name to the search index; internal."""

from marshmallow import Schema, fields

from common.tasks import DAY, HOUR, Contract


class IndexParams(Schema):
    """The image; if it no longer exists, it is removed from the index."""

    image_id = fields.UUID(required=True)


class IndexResult(Schema):
    """Empty: the task changes the index."""


CONTRACT = Contract(
    name="index",
    summary="Update the image in the search index.",
    params=IndexParams,
    result=IndexResult,
    cacheable=False,
    deadline=30 * DAY,  # a change must survive a long time without an engine
    keep_succeeded=HOUR,
    internal=True,
    takes_image=False,
)
