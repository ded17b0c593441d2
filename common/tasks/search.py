"""search: find images by a text, images similar to another one, or copies of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from common.model_reference import model_reference
from common.schemas import RequestSchema
from common.search.analytics import Searched, count_searches
from common.search.feedback.query_terms import query_of
from common.tasks import DAY, MINUTE, Contract, TaskSuccess

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

LONGEST_QUERY = 300  # characters
MOST_RESULTS = 100  # images that one search ranks
RELEVANCE = ("high", "medium", "low")
KINDS = IDENTICAL, COPY = "identical", "copy"


class SearchParams(RequestSchema):
    """A text, or the image of which similar images or copies are searched."""

    query = fields.String(
        validate=validate.Length(1, LONGEST_QUERY),
        metadata={"description": "The text to search for.", "example": "a cat in a park"},
    )
    image_id = fields.UUID(metadata={"description": "An image that has been embedded."})
    copies_of = fields.UUID(metadata={"description": "An image that has a fingerprint too."})

    @validates_schema
    def one_of_them(self, data: dict[str, object], **_options: object) -> None:
        """Reject params with none or several of them."""
        if len(data) != 1:
            raise ValidationError("Give only one of `query`, `image_id` and `copies_of`.")


class Found(Schema):
    """One search result."""

    image_id = fields.UUID()
    score = fields.Float(
        metadata={"description": "How well the image matches, 0 to 1.", "example": 0.83}
    )
    relevance = fields.String(
        validate=validate.OneOf(RELEVANCE),
        metadata={
            "description": "The group of the score among the scores of this search, not a fixed "
            "range. `high` requires that most of the query matched."
        },
    )
    why = fields.String(metadata={"example": "matched: label Egyptian cat, caption"})
    # Of copies only:
    kind = fields.String(validate=validate.OneOf(KINDS))
    hash_distance = fields.Integer()
    common_part = fields.Float()
    vector_similarity = fields.Float()


class SearchResult(Schema):
    """The best images, best first. GET /v1/search omits images deleted since then."""

    items = fields.List(fields.Nested(Found), metadata={"description": f"At most {MOST_RESULTS}."})
    detail = fields.String(
        allow_none=True, metadata={"description": "Why the result is empty; null if it is not."}
    )


def count_successes(session: "Session", successes: Sequence[TaskSuccess]) -> None:
    """Count these searches in the statistics of their day."""
    searches = [
        Searched(
            query=query_of(success.params),
            model=model_reference(success.model) or "",
            day=success.created_at.date(),
            results=len(success.result["items"]),
        )
        for success in successes
    ]
    count_searches(session, searches)


CONTRACT = Contract(
    name="search",
    summary="Images that match a text, that are similar to another image, or copies of it.",
    params=SearchParams,
    result=SearchResult,
    cost=5,
    cacheable=False,  # new images, edits and votes change the result
    deadline=MINUTE,
    takes_image=False,
    on_success=count_successes,
    keep_succeeded=DAY,
    keep_unsuccessful=DAY,
)
