"""Searches: their query parameters and their results."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import Text, WholeNumber
from api.http.pagination import Page
from api.http.pagination_schemas import NEXT
from api.images.schemas import ImageView
from api.images.schemas import view as image_view
from api.languages import LanguageField
from api.search.copy_groups import MOST_SHOWN, CopyGroup
from api.search.service import VisibleResult
from common.predictions import PredictionRecord
from common.tasks.search import KINDS, LONGEST_QUERY, RELEVANCE, Understood
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


class CopyItem(Schema):
    """A copy of an image, and by what it was recognized."""

    image = fields.Nested(FoundImage)
    similarity = fields.Float(
        metadata={
            "description": "1 for the same bytes; otherwise the share of equal bits of the "
            "perceptual hashes of what both show.",
            "example": 0.98,
        }
    )
    kind = fields.String(
        validate=validate.OneOf(KINDS),
        metadata={"description": "`identical`: the same bytes; `copy`: the same picture."},
    )
    why = fields.String(metadata={"example": "6 of 256 bits differ; 81 % of the picture in common"})
    hash_distance = fields.Integer(
        allow_none=True,
        metadata={"description": "Bits of 256 that differ; null for the same bytes.", "example": 6},
    )
    common_part = fields.Float(
        allow_none=True,
        metadata={
            "description": "Share of the larger view that both show; null for the same bytes.",
            "example": 0.81,
        },
    )
    vector_similarity = fields.Float(
        allow_none=True,
        metadata={"description": "Cosine of the vectors; null for the same bytes."},
    )


class CopyList(Schema):
    """A page of copies, the most similar first."""

    search_id = fields.UUID(metadata={"description": "Id of the prediction."})
    items = fields.List(fields.Nested(CopyItem))
    next = fields.String(allow_none=True)
    detail = fields.String(
        allow_none=True,
        metadata={"description": "Why nothing was found, or what was not compared; or null."},
    )


class GroupedImage(Schema):
    """An image of a group, and how it differs from the group's first image."""

    image = fields.Nested(FoundImage)
    hash_distance = fields.Integer(
        allow_none=True,
        metadata={"description": "Bits of 256 that differ; null for the first image."},
    )
    common_part = fields.Float(
        allow_none=True,
        metadata={"description": "Share of the larger view; null for the first image."},
    )


class CopyGroupView(Schema):
    """Images that are copies of the first of them."""

    count = fields.Integer(metadata={"description": "Images of the group."})
    images = fields.List(
        fields.Nested(GroupedImage),
        metadata={"description": f"At most {MOST_SHOWN}; the oldest after the first."},
    )


class CopyGroupList(Schema):
    """A page of groups."""

    items = fields.List(fields.Nested(CopyGroupView))
    next = NEXT
    pending = fields.Integer(
        metadata={"description": "Your images that are not compared yet.", "example": 0}
    )
    detail = fields.String(
        allow_none=True, metadata={"description": "Why groups may be missing; or null."}
    )


def group_view(group: CopyGroup) -> dict[str, Any]:
    """A group as `CopyGroupView`."""
    images = [
        {
            "image": image_view(each.image, each.image),
            "hash_distance": each.hash_distance,
            "common_part": each.common_part,
        }
        for each in group.members
    ]
    return {"count": group.count, "images": images}


def view(record: PredictionRecord, page: Page[VisibleResult]) -> dict[str, Any]:
    """The FoundList of a page of the search `record`."""
    items = [{**each.result, "image": image_view(each.image, each.image)} for each in page.items]
    detail = record.result["detail"] if record.result else RUNNING
    query = record.result.get("query") if record.result else None
    about = {"next": page.next, "detail": detail, "query": query}
    return {"search_id": record.id, "items": items, **about}


def copies_view(record: PredictionRecord, page: Page[VisibleResult]) -> dict[str, Any]:
    """The CopyList of a page of the search `record`."""
    found = view(record, page)
    distances = dict.fromkeys(("hash_distance", "common_part", "vector_similarity"))
    items = [distances | item | {"similarity": item["score"]} for item in found["items"]]
    return found | {"items": items}
