"""search: the images that a text asks for, or that look like another one."""

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from common.schemas import RequestSchema
from common.tasks import MINUTE, Contract

LONGEST_QUERY = 300  # characters
MOST_RESULTS = 100  # images that one search ranks
RELEVANCE = ("high", "medium", "low")


class SearchParams(RequestSchema):
    """A text, or an image whose look-alikes are wanted."""

    query = fields.String(
        validate=validate.Length(1, LONGEST_QUERY),
        metadata={"description": "What to look for.", "example": "a cat in a park"},
    )
    image_id = fields.UUID(metadata={"description": "An image that has been embedded."})

    @validates_schema
    def one_of_them(self, data: dict[str, object], **_options: object) -> None:
        """Exactly one."""
        if len(data) != 1:
            raise ValidationError("Give `query` or `image_id`, and only one of them.")


class Found(Schema):
    """An image that was found."""

    image_id = fields.UUID()
    score = fields.Float(metadata={"description": "How well it answers, 0 to 1.", "example": 0.83})
    relevance = fields.String(
        validate=validate.OneOf(RELEVANCE),
        metadata={
            "description": "By the groups that this search's own scores fall into, not by a fixed "
            "limit. `high` only where most of the query was matched."
        },
    )
    why = fields.String(metadata={"example": "matched: label Egyptian cat, caption"})


class SearchResult(Schema):
    """The best images, best first; of what is not there any more, GET /v1/search tells nothing."""

    items = fields.List(fields.Nested(Found), metadata={"description": f"At most {MOST_RESULTS}."})
    detail = fields.String(
        allow_none=True, metadata={"description": "Why nothing was found; null if something was."}
    )


CONTRACT = Contract(
    name="search",
    summary="The images that a text asks for, or that look like another one: GET /v1/search.",
    params=SearchParams,
    result=SearchResult,
    cost=5,
    cacheable=False,  # what can be found changes
    deadline=MINUTE,
    takes_image=False,
)
