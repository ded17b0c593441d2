"""The sticker search's route: public images that match a text, for anonymous callers."""

from typing import Any

from flask import Blueprint, request

from api.compat.deprecation import add_deprecation_headers
from api.search.schemas import FoundList, PredecessorQuery, view
from api.search.service import page_of, search
from common.callers import ANONYMOUS
from common.errors import Unavailable

LIMIT = 20  # items; the route has no pagination

blueprint = Blueprint("sticker_search", __name__)
add_deprecation_headers(blueprint, "search.by_text")


@blueprint.get("/api/search")
@blueprint.get("/api/search/")
def find() -> Any:
    """Return the first LIMIT results; `/api/feedback` accepts their file names and ids."""
    query = PredecessorQuery().load(request.args.to_dict())
    record = search(ANONYMOUS, {"query": query["query"]})
    if record.result is None:  # its clients do not handle 202
        raise Unavailable(
            "Too many requests are waiting. Send the request again later.",
            code="search_not_ready",
            retry_after=1,
        )
    return FoundList().dump(view(record, page_of(ANONYMOUS, record, 0, LIMIT)))
