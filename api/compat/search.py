"""The sticker search's route: public images for a text, for anyone."""

from typing import Any

from flask import Blueprint, request

from api.compat.deprecation import say_deprecated
from api.search.schemas import FoundList, PredecessorQuery
from api.search.service import page_of, search
from common.callers import ANONYMOUS
from common.errors import Unavailable

LIMIT = 20  # items; there are no pages

blueprint = Blueprint("sticker_search", __name__)
say_deprecated(blueprint, "search.by_text")


@blueprint.get("/api/search")
@blueprint.get("/api/search/")
def find() -> Any:
    """Its first page. Feedback names images by their file name or id."""
    query = PredecessorQuery().load(request.args.to_dict())
    row = search(ANONYMOUS, {"query": query["query"]})
    if row.result is None:  # its users do not know pages that are to be asked for again
        raise Unavailable("Too many requests wait already.", code="search_not_ready", retry_after=1)
    return FoundList().dump(page_of(ANONYMOUS, row, 0, LIMIT))
