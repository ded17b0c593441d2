"""The sticker search's feedback: votes by file name, and their download for the ML team."""

from typing import Any

from flask import Blueprint, Response, request

from api.accounts.permissions import ml_team_required
from api.compat.deprecation import add_deprecation_headers
from api.compat.schemas import StickerDownload, StickerFeedback
from api.feedback.service import record_feedback_by_name
from api.feedback.vote_lists import download_votes
from api.http.body.parser import LARGE, read_json
from api.http.body.reader import read_whole
from api.http.export import wanted_format

blueprint = Blueprint("old_feedback", __name__)
add_deprecation_headers(blueprint, "feedback.create")


@blueprint.post("/api/feedback")
@blueprint.post("/api/feedback/")
def vote() -> dict[str, Any]:
    """Record votes on images by file name or id; the JSON may have any Content-Type."""
    return record_feedback_by_name(
        StickerFeedback().load(read_json(read_whole(request, LARGE)))["feedback"]
    )


@blueprint.get("/api/analytics")
@blueprint.get("/api/analytics/")
@ml_team_required
def analytics() -> Response:
    """Return all feedback, or that on one query, as a JSON or CSV file."""
    query = StickerDownload().load(request.args)
    return download_votes(query, wanted_format(request, query.get("format")))
