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
LONGEST_TAG = 35  # characters of a language tag, BCP 47
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
    lang = fields.String(
        validate=validate.Length(1, LONGEST_TAG),
        metadata={
            "description": "The language of `query`. Default: guessed from its words.",
            "example": "de",
        },
    )

    @validates_schema
    def one_of_them(self, data: dict[str, object], **_options: object) -> None:
        """Reject params with none or several of them, and a language without a text."""
        if len(data.keys() - {"lang"}) != 1:
            raise ValidationError("Send exactly one of `query`, `image_id` and `copies_of`.")
        if "lang" in data and "query" not in data:
            raise ValidationError("`lang` is the language of `query`.", "lang")


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


class TranslatedWord(Schema):
    """A word of the query, the languages that have it, and the English words that were searched."""

    word = fields.String(metadata={"example": "Hund"})
    languages = fields.List(fields.String(), metadata={"example": ["de"]})
    english = fields.List(fields.String(), metadata={"example": ["dog"]})


class Understood(Schema):
    """How the query was understood."""

    language = fields.String(
        allow_none=True,
        metadata={
            "description": "The language of `lang`, or the one that the words suggest; null if "
            "several are as likely, or if no word is known.",
            "example": "de",
        },
    )
    read_as = fields.String(
        metadata={
            "description": "The query in English. Votes on it count for this text.",
            "example": "dog",
        }
    )
    translations = fields.List(
        fields.Nested(TranslatedWord),
        metadata={"description": "Empty if the query was searched as it is."},
    )
    unknown_words = fields.List(
        fields.String(), metadata={"description": "Words that no installed language has."}
    )


class SearchResult(Schema):
    """The best images, best first. GET /v1/search omits images deleted since then."""

    items = fields.List(fields.Nested(Found), metadata={"description": f"At most {MOST_RESULTS}."})
    detail = fields.String(
        allow_none=True, metadata={"description": "Why the result is empty; null if it is not."}
    )
    query = fields.Nested(
        Understood,
        allow_none=True,
        metadata={"description": "Null without a text, or if no word list is installed."},
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
