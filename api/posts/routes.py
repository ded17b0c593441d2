"""/v1/posts and /v1/feed: public posts of an image with a text."""

from typing import Any

from flask import request, url_for
from flask_smorest import Blueprint

from api.accounts.permissions import account_required
from api.http.idempotency import replayable
from api.http.openapi import POST_BODY
from api.http.pagination import page_answer
from api.http.pagination_schemas import PageQuery
from api.posts import service
from api.posts.schemas import PostChange, PostList, PostsQuery, PostView

blueprint = Blueprint("posts", __name__, url_prefix="/v1", description="Posts.")
CHANGE = {"required": True, "content": {"application/json": {"schema": PostChange}}}


@blueprint.post("/posts")
@account_required
@replayable
@blueprint.response(201, PostView)
@blueprint.doc(requestBody=POST_BODY)
def create() -> Any:
    """Post an image with a text. The image is classified and captioned."""
    id = str(service.create_post(request))
    return service.find_post(id), 201, {"Location": url_for("posts.get", id=id)}


@blueprint.get("/posts")
@blueprint.arguments(PostsQuery, location="query")
@blueprint.response(200, PostList)
def index(query: dict[str, Any]) -> Any:
    """List the posts of all users, newest or most liked first, or the posts of one user."""
    return page_answer(service.list_posts(query), query, dict)


@blueprint.get("/feed")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PostList)
def feed(query: dict[str, Any]) -> Any:
    """List the posts of the users whom you follow, newest first."""
    return page_answer(service.list_feed(query), query, dict)


@blueprint.get("/posts/<id>")
@blueprint.response(200, PostView)
def get(id: str) -> Any:
    """Get a post with its image, labels and caption."""
    return service.find_post(id)


@blueprint.patch("/posts/<id>")
@account_required
@blueprint.response(200, PostView)
@blueprint.doc(requestBody=CHANGE)
def edit(id: str) -> Any:
    """Change the text of a post of yours."""
    return service.edit_post(id, request)


@blueprint.delete("/posts/<id>")
@account_required
@blueprint.response(204)
def delete(id: str) -> None:
    """Delete a post of yours with its likes and share links. The image is kept."""
    service.delete_post(id)


@blueprint.put("/posts/<id>/like")
@blueprint.response(204)
def like(id: str) -> None:
    """Like a post. Liking it again changes nothing."""
    service.like_post(id)


@blueprint.delete("/posts/<id>/like")
@blueprint.response(204)
def unlike(id: str) -> None:
    """Take back your like of a post."""
    service.unlike_post(id)
