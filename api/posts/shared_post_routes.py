"""/s/{slug}: the post that a share link leads to."""

from typing import Any

from flask import Response, make_response, render_template, request
from flask_smorest import Blueprint

from api.posts.schemas import PostView, seen_in
from api.posts.share_links import opened

blueprint = Blueprint("shared", __name__, url_prefix="/s", description="What share links lead to.")
SHOWN = {"application/json": {"schema": PostView}, "text/html": {"schema": {"type": "string"}}}
POST = PostView()


@blueprint.get("/<slug>")
@blueprint.response(200, PostView)
@blueprint.doc(responses={"200": {"description": "OK", "content": SHOWN}})
def page(slug: str) -> Any:
    """The public post that a share link leads to: a page for people; JSON for programs that ask
    for it. It is also in `/v1/posts`, with or without this link.
    """
    post = opened(slug)
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "text/html":
        response = make_response(render_template("shared.html", post=post, **seen_in(post)))
        response.headers["Cache-Control"] = "no-cache"  # it may be revoked at any time
    else:
        response = _as_json(post)
    response.vary.add("Accept")
    return response


def _as_json(post: dict[str, Any]) -> Response:
    return make_response(POST.dump(post))
