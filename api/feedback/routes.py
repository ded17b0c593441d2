"""/v1/feedback: send feedback on search results, list and export votes."""

from typing import Any

from flask import request
from flask_smorest import Blueprint

from api.accounts.permissions import ml_team_required
from api.feedback.schemas import (
    DOWNLOADS,
    FeedbackQuery,
    FeedbackRequest,
    RecordedFeedback,
    VoteList,
    vote_view,
)
from api.feedback.service import record_feedback
from api.feedback.vote_lists import download_votes, list_votes
from api.http.body.parser import LARGE, read_fields
from api.http.export import wanted_format
from api.http.pagination import page_answer

REQUEST = FeedbackRequest()
BODY = {"required": True, "content": {"application/json": {"schema": FeedbackRequest}}}
VOTES = {"application/json": {"schema": VoteList}, **DOWNLOADS}

blueprint = Blueprint("feedback", __name__, url_prefix="/v1/feedback", description="Feedback.")


@blueprint.post("")
@blueprint.response(200, RecordedFeedback)
@blueprint.doc(requestBody=BODY)
def create() -> Any:
    """Record votes and clicks on the results of a search. The next search uses them.

    Any caller who knows a `search_id` may send feedback. A new vote of the same voter on the same
    image replaces the former vote.
    """
    return record_feedback(REQUEST.load(read_fields(request, limit=LARGE)))


@blueprint.get("")
@ml_team_required
@blueprint.arguments(FeedbackQuery, location="query")
@blueprint.response(200, VoteList)
@blueprint.doc(responses={"200": {"description": "OK", "content": VOTES}})
def index(query: dict[str, Any]) -> Any:
    """List all votes: a page of JSON, or a download as JSON lines or CSV. For the ML team."""
    file_format = wanted_format(request, query.get("format"))
    if file_format != "json":
        return download_votes(query, file_format)
    body, status, headers = page_answer(list_votes(query), query, vote_view)
    return body, status, headers | {"Vary": "Accept"}
