"""Posts, likes, follows, and share links for readers without an account.

Functions take the session first and never commit. Rows are locked in one order, which prevents
deadlocks: accounts, images, posts, then likes. The counters `images.posts` and `posts.likes` change
in the same transaction as the rows that they count.
"""

from common.social.follows import follow, unfollow
from common.social.likes import like, unlike
from common.social.posts import create, edit, no_such_image, owner_of, remove, remove_some_likes
from common.social.removal import (
    remove_posts_of_user,
    remove_some_posts_of_image,
    remove_some_posts_of_user,
)

__all__ = [
    "create",
    "edit",
    "follow",
    "like",
    "no_such_image",
    "owner_of",
    "remove",
    "remove_posts_of_user",
    "remove_some_likes",
    "remove_some_posts_of_image",
    "remove_some_posts_of_user",
    "unfollow",
    "unlike",
]
