"""/v1/posts and /v1/feed: images with a text, for everyone to see."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.documentation import POST_BODY
from api.idempotency import replayable
from api.paging import listed
from api.people.privileged import for_users
from api.schemas.paging import PageQuery
from api.schemas.posts import PostChange, PostList, PostsQuery, PostView
from api.sharing import posts
from api.sharing.likes import like as set_like
from common import sharing

blueprint = Blueprint("posts", __name__, url_prefix="/v1", description="Posts.")
CHANGE = {"required": True, "content": {"application/json": {"schema": PostChange}}}


@blueprint.post("/posts")
@for_users
@replayable
@blueprint.response(201, PostView)
@blueprint.doc(requestBody=POST_BODY)
def create() -> Any:
    """Post an image with a text; it is classified and captioned."""
    id = str(posts.take(request))
    return posts.find(id), 201, {"Location": url_for("posts.get", id=id)}


@blueprint.get("/posts")
@blueprint.arguments(PostsQuery, location="query")
@blueprint.response(200, PostList)
def index(query: dict[str, Any]) -> Any:
    """Everyone's posts, the newest or the most liked first; or one user's."""
    return listed(*posts.page(query), query)


@blueprint.get("/feed")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostList)
def feed(query: dict[str, Any]) -> Any:
    """The posts of those whom you follow, the newest first."""
    return listed(*posts.feed(query), query)


@blueprint.get("/posts/<id>")
@blueprint.response(200, PostView)
def get(id: str) -> Any:
    """A post with its image and what was found in it."""
    return posts.find(id)


@blueprint.patch("/posts/<id>")
@for_users
@blueprint.response(200, PostView)
@blueprint.doc(requestBody=CHANGE)
def edit(id: str) -> Any:
    """Give a post of yours another text."""
    return posts.edit(id, request)


@blueprint.delete("/posts/<id>")
@for_users
@blueprint.response(204)
def delete(id: str) -> None:
    """Remove a post of yours, with its likes and share links; the image stays yours."""
    posts.remove(id)


@blueprint.put("/posts/<id>/like")
@blueprint.response(204)
def like(id: str) -> None:
    """Like a post; once is as good as twice."""
    set_like(id)


@blueprint.delete("/posts/<id>/like")
@blueprint.response(204)
def unlike(id: str) -> None:
    """Like it no more."""
    set_like(id, sharing.unlike)
