"""What people share: posts, who likes them, who follows whom, links for those without an account.

Functions take the session first and never commit. Rows are locked in one order: accounts, images,
posts; then likes. So nobody waits in a circle, and the counters `images.posts` and `posts.likes`
move with the rows that they count.
"""

from common.social.follows import follow, unfollow
from common.social.likes import like, unlike
from common.social.posts import create, edit, forget_some_likes, no_such_image, owner_of, remove
from common.social.removal import (
    remove_posts_of_user,
    remove_some_posts_of_image,
    remove_some_posts_of_user,
)

__all__ = [
    "create",
    "edit",
    "follow",
    "forget_some_likes",
    "like",
    "no_such_image",
    "owner_of",
    "remove",
    "remove_posts_of_user",
    "remove_some_posts_of_image",
    "remove_some_posts_of_user",
    "unfollow",
    "unlike",
]
