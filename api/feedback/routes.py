"""/v1/feedback: say what is right and wrong in a search's results; read what was said."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.requirements import for_ml_team
from api.feedback.schemas import DOWNLOADS, FeedbackQuery, FeedbackRequest, FeedbackTaken, VoteList
from api.feedback.service import take
from api.feedback.vote_lists import all_of, page_of
from api.http.body.parser import LARGE, read_fields
from api.http.export import wanted_format

REQUEST = FeedbackRequest()
BODY = {"required": True, "content": {"application/json": {"schema": FeedbackRequest}}}
VOTES = {"application/json": {"schema": VoteList}, **DOWNLOADS}

blueprint = Blueprint("feedback", __name__, url_prefix="/v1/feedback", description="Feedback.")


@blueprint.post("")
@blueprint.response(200, FeedbackTaken)
@blueprint.doc(requestBody=BODY)
def create() -> Any:
    """Say which results of a search are right and which are not; the next search knows it.

    Anybody may, with a search's `search_id`. What is said again replaces what was said.
    """
    return take(REQUEST.load(read_fields(request, limit=LARGE)))


@blueprint.get("")
@for_ml_team
@blueprint.arguments(FeedbackQuery, location="query")
@blueprint.response(200, VoteList)
@blueprint.doc(responses={"200": {"description": "OK", "content": VOTES}})
def index(query: dict[str, Any]) -> Any:
    """All votes as they stand, for the ML team: a page of JSON, or all as JSON lines or CSV."""
    form = wanted_format(request, query.get("format"))
    if form != "json":
        return all_of(query, form)
    items, after = page_of(query)
    about = {name: query[name] for name in ("query", "limit", "format") if name in query}
    link = after and url_for("feedback.index", _external=True, **about, cursor=after)
    headers = {"Vary": "Accept"} | ({"Link": f'<{link}>; rel="next"'} if link else {})
    return {"items": items, "next": after}, 200, headers
