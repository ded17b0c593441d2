"""Follow and unfollow users; list followers. Repeating a follow or an unfollow changes nothing."""

from functools import partial
from typing import Any

from api.accounts.permissions import find_user, require_account, user_not_found
from api.http.pagination import Page, read_signed_page
from api.state import current_user, write
from common import social
from common.social import lists
from common.social.lists import FollowRecord


def follow(name: str) -> None:
    """Make the caller follow a user.

    Raises NotFound if the user does not exist, and InputFault if it is the caller.
    """
    follower, followed = require_account(), find_user(name)
    change = partial(social.follow, follower_id=follower, followed_id=followed)
    if not write(change):
        raise user_not_found()


def unfollow(name: str) -> None:
    """Make the caller unfollow a user, also one whose account is disabled; raises NotFound."""
    follower, followed = require_account(), find_user(name, include_disabled=True)
    change = partial(social.unfollow, follower_id=follower, followed_id=followed)
    write(change)


def list_followers(name: str, query: dict[str, Any]) -> Page[FollowRecord]:
    """Return a page of the users who follow the named user.

    Raises NotFound if the user does not exist.
    """
    user = find_user(name)
    fetch = partial(lists.followers, user_id=user, all_accounts=current_user().is_admin)
    return read_signed_page(query, f"followers of {user}", fetch, lists.cursor_of, lists.NOW)


def list_following(name: str, query: dict[str, Any]) -> Page[FollowRecord]:
    """Return a page of the users whom the named user follows.

    Raises NotFound if the user does not exist.
    """
    user = find_user(name)
    fetch = partial(lists.following, user_id=user, all_accounts=current_user().is_admin)
    return read_signed_page(query, f"followed by {user}", fetch, lists.cursor_of, lists.NOW)
