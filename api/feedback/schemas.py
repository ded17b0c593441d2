"""Feedback: what is said of a search's results, and what was said of them so far."""

from typing import Any

from marshmallow import Schema, fields, validate
from sqlalchemy import Row

from api.http.fields import Bounded, Text, Whole
from common.schemas import RequestSchema
from common.tables.feedback import LONGEST_QUERY

MOST_IMAGES = 100
LONGEST_NAME = 255
VALUES = {"positive": 1, "negative": -1, "neutral": 0}
WORDS = {1: "positive", -1: "negative"}
FORMATS = ("json", "jsonl", "csv")
COLUMNS = (
    "id", "query", "image_id", "file_name", "vote", "counts", "voter", "search_id", "model",
    "created_at", "updated_at",
)  # fmt: skip
PSEUDONYM = 16  # hexadecimal digits; enough to tell voters apart


class Images(Bounded):
    """Ids of images. What is no image's id is reported, and does not sink the rest."""

    def __init__(self, meaning: str, example: list[str] | None = None):
        super().__init__(
            Text(validate=validate.Length(1, LONGEST_NAME)),
            most=MOST_IMAGES,
            load_default=list,
            metadata={"description": meaning} | ({"example": example} if example else {}),
        )


class FeedbackRequest(RequestSchema):
    """What you make of a search's results. A vote on the same image again replaces the first."""

    search_id = fields.UUID(required=True)
    positive = Images("Ids of images that are what was asked for.")
    negative = Images("Ids of images that are not.")
    neutral = Images("Ids of images of which you take your vote back.")
    clicks = Images("Ids of images that were looked at.")


class Rejected(Schema):
    """An image of which nothing was recorded."""

    image = fields.String(metadata={"description": "As it was sent."})
    given_as = fields.String(metadata={"example": "positive"})
    code = fields.String(metadata={"example": "image_not_found"})
    detail = fields.String()


class FeedbackTaken(Schema):
    """What was recorded; the next search knows it."""

    search_id = fields.UUID()
    recorded = fields.Integer(metadata={"description": "Votes and clicks."})
    rejected = fields.List(fields.Nested(Rejected))


class FeedbackQuery(Schema):
    """Which votes, from where on, and in what form."""

    query = Text(
        validate=validate.Length(1, LONGEST_QUERY),
        metadata={"description": "Those on this query, however its words are spaced or cased."},
    )
    limit = Whole(
        validate=validate.Range(1, 100),
        metadata={"description": "Of a page of JSON: 100 without it; of a download: all."},
    )
    cursor = fields.UUID(metadata={"description": "`next` of the page before: an id."})
    format = Text(
        validate=validate.OneOf(FORMATS), metadata={"description": "Instead of `Accept`."}
    )


class VoteView(Schema):
    """A vote as it stands."""

    id = fields.UUID()
    query = fields.String(metadata={"description": "Normalised."})
    image_id = fields.UUID()
    file_name = fields.String(allow_none=True, metadata={"description": "Null: it is deleted."})
    vote = fields.String(validate=validate.OneOf(list(WORDS.values())))
    counts = fields.Boolean(
        metadata={"description": "False: this voter has voted too much for it to move anything."}
    )
    voter = fields.String(metadata={"description": "The same for all votes of the same voter."})
    search_id = fields.UUID(allow_none=True)
    model = fields.String(allow_none=True, metadata={"description": "What answered the search."})
    created_at = fields.DateTime(format="iso")
    updated_at = fields.DateTime(format="iso")


class VoteList(Schema):
    """A page of votes, in the order in which they were first cast."""

    items = fields.List(fields.Nested(VoteView))
    next = fields.String(allow_none=True)


def view(row: Row[Any]) -> dict[str, Any]:
    """What VoteView shows of a row."""
    return {
        **{name: getattr(row, name) for name in COLUMNS if hasattr(row, name)},
        "vote": WORDS[row.value],
        "counts": row.weight > 0,
        "voter": row.voter.hex()[:PSEUDONYM],
    }


DOWNLOADS = {  # of the OpenAPI page
    "application/x-ndjson": {"schema": {"type": "string", "description": "A vote a line."}},
    "text/csv": {
        "schema": {
            "type": "string",
            "description": "With a header. A cell that a spreadsheet might run as a formula begins "
            "with an apostrophe.",
        }
    },
}
