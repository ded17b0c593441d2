"""Likes and follows at the edge: each is there or not, however often it is asked for."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Row

from api.accounts.permissions import find_user, me
from api.http.pagination import page_of
from api.posts.service import not_found
from api.state import current_user, write
from common import social
from common.database.ids import parse_id
from common.errors import NotFound
from common.social import lists


def like(post_id: str, change: Callable[..., bool] = social.like) -> None:
    """Have the caller like the post; with `sharing.unlike`, no more. Raises NotFound."""
    user, post = me(), parse_id(post_id)
    if not (post and write(partial(change, post_id=post, user_id=user))):
        raise not_found()


def follow(name: str) -> None:
    """Have the caller follow the user; raises NotFound, and InputFault for themselves."""
    user, other = me(), find_user(name)
    change = partial(social.follow, follower_id=user, followed_id=other)
    if not write(change):
        raise NotFound("There is no such user.", code="user_not_found")


def unfollow(name: str) -> None:
    """Have the caller follow the user, whose account may be disabled, no more; raises NotFound."""
    user, other = me(), find_user(name, even_disabled=True)
    change = partial(social.unfollow, follower_id=user, followed_id=other)
    write(change)


def followers(name: str, query: dict[str, Any]) -> tuple[list[Row[Any]], str | None]:
    """Who follows the user, and the next page's cursor; raises NotFound."""
    user = find_user(name)
    fetch = partial(lists.followers, user_id=user, all_accounts=current_user().is_admin)
    return page_of(query, f"followers of {user}", fetch, lists.place_of, lists.NOW)


def following(name: str, query: dict[str, Any]) -> tuple[list[Row[Any]], str | None]:
    """Whom the user follows, as `followers`."""
    user = find_user(name)
    fetch = partial(lists.following, user_id=user, all_accounts=current_user().is_admin)
    return page_of(query, f"followed by {user}", fetch, lists.place_of, lists.NOW)
