"""The admin view of feedback."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from api.admin import formatters
from api.admin.search_filters import by_id
from api.admin.table_views import Condition, RowsView
from common.search.feedback.query_terms import query_key
from common.tables import Vote

THOUSANDTHS = 1000


def _value(_view: Any, _context: Any, row: Any, _name: str) -> str:
    return "right" if row.value > 0 else "wrong"


def _weight(_view: Any, _context: Any, row: Any, _name: str) -> str:
    return f"{row.weight / THOUSANDTHS:.2f}"


class VotesView(RowsView):
    """The votes, newest first; their voters are stored as hashes and not shown."""

    rows = row = select(
        Vote.id, Vote.image_id, Vote.query, Vote.value, Vote.weight, Vote.search_id, Vote.model,
        Vote.day, Vote.created_at, Vote.updated_at,
    )  # fmt: skip
    searched_by = "whole query, or image's id"
    column_list = ("image_id", "query", "value", "weight", "model", "created_at")
    column_details_list = ("id", "image_id", "query", "value", "weight", "search_id", "model",
                           "day", "created_at", "updated_at")  # fmt: skip
    column_labels = {"image_id": "Image", "value": "Vote", "weight": "Weight"}  # noqa: RUF012
    column_formatters = {  # noqa: RUF012
        "image_id": formatters.thumbnail,
        "query": formatters.link_to_row,
        "value": _value,
        "weight": _weight,
    }

    def __init__(self) -> None:
        super().__init__(Vote, "Feedback")

    def conditions(self, text: str) -> Iterable[Condition]:
        """Return conditions by image, vote or query."""
        return by_id(text, Vote.id, Vote.image_id) or [Vote.query_key == query_key(text)]
