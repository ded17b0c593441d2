"""Request and response schemas of feedback and votes."""

from typing import Any

from marshmallow import Schema, fields, validate

from api.http.fields import BoundedList, Text, WholeNumber
from common.schemas import RequestSchema
from common.search.feedback.votes import VoteRecord
from common.tables.feedback import LONGEST_QUERY

MAX_IMAGES = 100
LONGEST_NAME = 255
VALUES = {"positive": 1, "negative": -1, "neutral": 0}
WORDS = {1: "positive", -1: "negative"}
FORMATS = ("json", "jsonl", "csv")
COLUMNS = (
    "id", "query", "image_id", "file_name", "vote", "counts", "voter", "search_id", "model",
    "created_at", "updated_at",
)  # fmt: skip
PSEUDONYM_DIGITS = 16  # hexadecimal; enough to distinguish voters


class ImageIds(BoundedList):
    """Ids of images. Unknown ids are reported as rejected; the others are recorded."""

    def __init__(self, description: str, example: list[str] | None = None):
        super().__init__(
            Text(validate=validate.Length(1, LONGEST_NAME)),
            limit=MAX_IMAGES,
            load_default=list,
            metadata={"description": description} | ({"example": example} if example else {}),
        )


class FeedbackRequest(RequestSchema):
    """Votes and clicks on the results of a search. A new vote on an image replaces the former."""

    search_id = fields.UUID(required=True)
    positive = ImageIds("Ids of images that match the query.")
    negative = ImageIds("Ids of images that do not match the query.")
    neutral = ImageIds("Ids of images whose vote you take back.")
    clicks = ImageIds("Ids of images that were clicked.")


class Rejected(Schema):
    """An image for which nothing was recorded."""

    image = fields.String(metadata={"description": "The id as it was sent."})
    given_as = fields.String(metadata={"example": "positive"})
    code = fields.String(metadata={"example": "image_not_found"})
    detail = fields.String()


class RecordedFeedback(Schema):
    """The number of votes and clicks that were recorded, and the images that were rejected."""

    search_id = fields.UUID()
    recorded = fields.Integer(metadata={"description": "The number of votes and clicks."})
    rejected = fields.List(fields.Nested(Rejected))


class FeedbackQuery(Schema):
    """Which votes to return, and in which format."""

    query = Text(
        validate=validate.Length(1, LONGEST_QUERY),
        metadata={"description": "Votes on this query only. Case and spacing are ignored."},
    )
    limit = WholeNumber(
        validate=validate.Range(1, 100),
        metadata={
            "description": "The maximum number of votes. Default: 100 for JSON, all for a download."
        },
    )
    cursor = fields.UUID(metadata={"description": "`next` of the previous page."})
    format = Text(validate=validate.OneOf(FORMATS), metadata={"description": "Overrides `Accept`."})


class VoteView(Schema):
    """A vote."""

    id = fields.UUID()
    query = fields.String(metadata={"description": "The normalized query."})
    image_id = fields.UUID()
    file_name = fields.String(
        allow_none=True, metadata={"description": "Null if the image was deleted."}
    )
    vote = fields.String(validate=validate.OneOf(list(WORDS.values())))
    counts = fields.Boolean(
        metadata={"description": "False if this voter has cast too many votes for it to count."}
    )
    voter = fields.String(
        metadata={"description": "A pseudonym, the same for all votes of a voter."}
    )
    search_id = fields.UUID(allow_none=True)
    model = fields.String(
        allow_none=True, metadata={"description": "The model that answered the search."}
    )
    created_at = fields.DateTime(format="iso")
    updated_at = fields.DateTime(format="iso")


class VoteList(Schema):
    """A page of votes, in the order of their creation."""

    items = fields.List(fields.Nested(VoteView))
    next = fields.String(allow_none=True)


def vote_view(row: VoteRecord) -> dict[str, Any]:
    """Return the fields of VoteView from a row."""
    return {
        **{name: getattr(row, name) for name in COLUMNS if hasattr(row, name)},
        "vote": WORDS[row.value],
        "counts": row.weight > 0,
        "voter": row.voter.hex()[:PSEUDONYM_DIGITS],
    }


DOWNLOADS = {  # response content for the OpenAPI document
    "application/x-ndjson": {"schema": {"type": "string", "description": "One vote per line."}},
    "text/csv": {
        "schema": {
            "type": "string",
            "description": "With a header line. Cells that a spreadsheet could run as a formula "
            "begin with an apostrophe.",
        }
    },
}
