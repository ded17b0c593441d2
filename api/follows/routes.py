"""/v1/users/{name}/follow, …/followers, …/following: follow users and list follows."""

from typing import Any

from flask_smorest import Blueprint

from api.follows import service
from api.follows.schemas import UserList, user_view
from api.http.pagination import page_answer
from api.http.pagination_schemas import PageQuery

blueprint = Blueprint("follows", __name__, url_prefix="/v1/users", description="Follows.")


@blueprint.put("/<name>/follow")
@blueprint.response(204)
def follow(name: str) -> None:
    """Follow a user. Their posts appear in your feed."""
    service.follow(name)


@blueprint.delete("/<name>/follow")
@blueprint.response(204)
def unfollow(name: str) -> None:
    """Unfollow a user."""
    service.unfollow(name)


@blueprint.get("/<name>/followers")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, UserList)
def followers(query: dict[str, Any], name: str) -> Any:
    """List the users who follow a user, latest follow first."""
    return page_answer(service.list_followers(name, query), query, user_view)


@blueprint.get("/<name>/following")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, UserList)
def following(query: dict[str, Any], name: str) -> Any:
    """List the users whom a user follows, latest follow first."""
    return page_answer(service.list_following(name, query), query, user_view)
