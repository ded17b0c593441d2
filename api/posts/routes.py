"""/v1/posts and /v1/feed: images with a text, for everyone to see."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.requirements import for_users
from api.http.idempotency import replayable
from api.http.openapi import POST_BODY
from api.http.pagination import listed
from api.http.pagination_schemas import PageQuery
from api.posts import service
from api.posts.likes import like as set_like
from api.posts.schemas import PostChange, PostList, PostsQuery, PostView
from common import social

blueprint = Blueprint("posts", __name__, url_prefix="/v1", description="Posts.")
CHANGE = {"required": True, "content": {"application/json": {"schema": PostChange}}}


@blueprint.post("/posts")
@for_users
@replayable
@blueprint.response(201, PostView)
@blueprint.doc(requestBody=POST_BODY)
def create() -> Any:
    """Post an image with a text; it is classified and captioned."""
    id = str(service.take(request))
    return service.find(id), 201, {"Location": url_for("posts.get", id=id)}


@blueprint.get("/posts")
@blueprint.arguments(PostsQuery, location="query")
@blueprint.response(200, PostList)
def index(query: dict[str, Any]) -> Any:
    """Everyone's posts, the newest or the most liked first; or one user's."""
    return listed(*service.page(query), query)


@blueprint.get("/feed")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostList)
def feed(query: dict[str, Any]) -> Any:
    """The posts of those whom you follow, the newest first."""
    return listed(*service.feed(query), query)


@blueprint.get("/posts/<id>")
@blueprint.response(200, PostView)
def get(id: str) -> Any:
    """A post with its image and what was found in it."""
    return service.find(id)


@blueprint.patch("/posts/<id>")
@for_users
@blueprint.response(200, PostView)
@blueprint.doc(requestBody=CHANGE)
def edit(id: str) -> Any:
    """Give a post of yours another text."""
    return service.edit(id, request)


@blueprint.delete("/posts/<id>")
@for_users
@blueprint.response(204)
def delete(id: str) -> None:
    """Remove a post of yours, with its likes and share links; the image stays yours."""
    service.remove(id)


@blueprint.put("/posts/<id>/like")
@blueprint.response(204)
def like(id: str) -> None:
    """Like a post; once is as good as twice."""
    set_like(id)


@blueprint.delete("/posts/<id>/like")
@blueprint.response(204)
def unlike(id: str) -> None:
    """Like it no more."""
    set_like(id, social.unlike)
