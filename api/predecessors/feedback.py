"""The sticker search's feedback: votes by file name, and their download for the ML team."""

from typing import Any

from flask import Blueprint, Response, request

from api.body import LARGE, read_json
from api.downloads import wanted_format
from api.feedback.votes import all_of
from api.feedback.voting import take_by_name
from api.framing import read_whole
from api.people.privileged import for_ml_team
from api.predecessors.deprecation import say_deprecated
from api.schemas.predecessors import StickerDownload, StickerFeedback

blueprint = Blueprint("old_feedback", __name__)
say_deprecated(blueprint, "feedback.create")


@blueprint.post("/api/feedback")
@blueprint.post("/api/feedback/")
def vote() -> dict[str, Any]:
    """JSON under any Content-Type; it needs no search, only its query."""
    return take_by_name(StickerFeedback().load(read_json(read_whole(request, LARGE)))["feedback"])


@blueprint.get("/api/analytics")
@blueprint.get("/api/analytics/")
@for_ml_team
def analytics() -> Response:
    """All feedback, or that on one query, as a file of JSON or CSV."""
    query = StickerDownload().load(request.args)
    return all_of(query, wanted_format(request, query.get("format")))
