"""Searches: how they are asked for, and what was found."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import Text, WholeNumber
from api.images.schemas import ImageView
from common.tasks.search import LONGEST_QUERY, RELEVANCE
from common.unicode import visible

MOST_ITEMS = 100
_WHITE_SPACE = re.compile(r"[\t\n\v\f\r\x85]")


class QueryText(Text):
    """A search text with at least one visible character. A tab or line end counts as a space, as
    texts pasted from tables and documents end in one.
    """

    def __init__(self, **options: Any) -> None:
        meaning = {"description": "What to look for.", "example": "a cat in a park"}
        super().__init__(validate=validate.Length(1, LONGEST_QUERY), metadata=meaning, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        if isinstance(value, str):
            value = _WHITE_SPACE.sub(" ", value)
        text = super()._deserialize(value, attr, data, **options)
        if text and not visible(text).strip():
            raise ValidationError("Send a text that has visible characters.")
        return text


class PageQuery(Schema):
    """Which page of what was found."""

    limit = WholeNumber(
        load_default=20,
        validate=validate.Range(1, MOST_ITEMS),
        metadata={"description": "Most items of a page."},
    )
    cursor = fields.String(metadata={"description": "`next` of the page before."})


class SearchQuery(PageQuery):
    """What to look for; with a cursor, the search that it belongs to goes on."""

    query = QueryText()


class PredecessorQuery(Schema):
    """The sticker search's only parameter."""

    query = QueryText(required=True)


class FoundImage(ImageView):
    """An image without its predictions."""

    class Meta:
        """What marshmallow reads."""

        exclude = ("predictions",)


class FoundItem(Schema):
    """An image that was found."""

    image = fields.Nested(FoundImage)
    score = fields.Float(metadata={"description": "How well it answers, 0 to 1.", "example": 0.83})
    relevance = fields.String(
        validate=validate.OneOf(RELEVANCE),
        metadata={"description": "By the groups that this search's own scores fall into."},
    )
    why = fields.String(metadata={"example": "matched: label Egyptian cat, caption"})


class FoundList(Schema):
    """A page of what was found; the order stays as it was when the search was made."""

    search_id = fields.UUID(metadata={"description": "Its prediction; feedback is given with it."})
    items = fields.List(fields.Nested(FoundItem))
    next = fields.String(allow_none=True)
    detail = fields.String(
        allow_none=True, metadata={"description": "Why nothing was found; null if something was."}
    )
