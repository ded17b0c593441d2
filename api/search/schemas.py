"""Searches: their query parameters and their results."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import Text, WholeNumber
from api.http.pagination import Page
from api.images.schemas import ImageView
from api.images.schemas import view as image_view
from api.languages import LanguageField
from api.search.service import VisibleResult
from common.predictions import PredictionRecord
from common.tasks.search import LONGEST_QUERY, RELEVANCE, Understood
from common.unicode import visible

MOST_ITEMS = 100
RUNNING = "The search is still running; get `next`."
_WHITE_SPACE = re.compile(r"[\t\n\v\f\r\x85]")


class QueryText(Text):
    """A search text with at least one visible character. Tabs and line ends count as spaces: texts
    that are pasted from tables and documents contain them.
    """

    def __init__(self, **options: Any) -> None:
        meaning = {"description": "The text to search for.", "example": "a cat in a park"}
        super().__init__(validate=validate.Length(1, LONGEST_QUERY), metadata=meaning, **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> str:
        if isinstance(value, str):
            value = _WHITE_SPACE.sub(" ", value)
        text = super()._deserialize(value, attr, data, **options)
        if text and not visible(text).strip():
            raise ValidationError("Send a text that has visible characters.")
        return text


class PageQuery(Schema):
    """The page of a search's results to return."""

    limit = WholeNumber(
        load_default=20,
        validate=validate.Range(1, MOST_ITEMS),
        metadata={"description": "Maximum number of items on the page."},
    )
    cursor = fields.String(metadata={"description": "`next` of the previous page."})


class SearchQuery(PageQuery):
    """The text to search for, or the cursor of an earlier search."""

    query = QueryText()
    lang = LanguageField("Language of `query`. Default: guessed from its words.")


class PredecessorQuery(Schema):
    """The only parameter of the replaced sticker search."""

    query = QueryText(required=True)


class FoundImage(ImageView):
    """An image without its predictions."""

    class Meta:
        """Options that marshmallow reads."""

        exclude = ("predictions",)


class FoundItem(Schema):
    """A result: an image, and how well it matches."""

    image = fields.Nested(FoundImage)
    score = fields.Float(
        metadata={"description": "How well the image matches, 0 to 1.", "example": 0.83}
    )
    relevance = fields.String(
        validate=validate.OneOf(RELEVANCE),
        metadata={"description": "Derived from all scores of this search."},
    )
    why = fields.String(metadata={"example": "matched: label Egyptian cat, caption"})


class FoundList(Schema):
    """A page of results, in the order that the search returned."""

    search_id = fields.UUID(
        metadata={"description": "Id of the prediction; send it with feedback."}
    )
    items = fields.List(fields.Nested(FoundItem))
    next = fields.String(allow_none=True)
    detail = fields.String(
        allow_none=True,
        metadata={"description": "Why nothing was found; null otherwise."},
    )
    query = fields.Nested(
        Understood,
        allow_none=True,
        metadata={"description": "Null without a text, or if no word list is installed."},
    )


def view(record: PredictionRecord, page: Page[VisibleResult]) -> dict[str, Any]:
    """The FoundList of a page of the search `record`."""
    items = [{**each.result, "image": image_view(each.image, each.image)} for each in page.items]
    detail = record.result["detail"] if record.result else RUNNING
    query = record.result.get("query") if record.result else None
    about = {"next": page.next, "detail": detail, "query": query}
    return {"search_id": record.id, "items": items, **about}
