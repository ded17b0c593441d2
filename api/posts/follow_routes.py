"""/v1/users/{name}/follow, …/followers, …/following: who follows whom."""

from typing import Any

from flask_smorest import Blueprint

from api.http.pagination import listed
from api.http.pagination_schemas import PageQuery
from api.posts import likes
from api.posts.follow_schemas import PersonList, view

blueprint = Blueprint("follows", __name__, url_prefix="/v1/users", description="Follows.")


@blueprint.put("/<name>/follow")
@blueprint.response(204)
def follow(name: str) -> None:
    """Follow a user: their posts are in your feed."""
    likes.follow(name)


@blueprint.delete("/<name>/follow")
@blueprint.response(204)
def unfollow(name: str) -> None:
    """Follow them no more."""
    likes.unfollow(name)


@blueprint.get("/<name>/followers")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PersonList)
def followers(query: dict[str, Any], name: str) -> Any:
    """Who follows a user, the latest first."""
    rows, after = likes.followers(name, query)
    return listed([view(row) for row in rows], after, query)


@blueprint.get("/<name>/following")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, PersonList)
def following(query: dict[str, Any], name: str) -> Any:
    """Whom a user follows, the latest first."""
    rows, after = likes.following(name, query)
    return listed([view(row) for row in rows], after, query)
