"""What people share: posts, who likes them, who follows whom, links for those without an account.

Functions take the session first and never commit. Rows are locked in one order: accounts, images,
posts; then likes. So nobody waits in a circle, and the counters `images.posts` and `posts.likes`
move with the rows that they count.
"""

from common.sharing.follows import follow, unfollow
from common.sharing.likes import like, unlike
from common.sharing.posts import (
    create,
    edit,
    forget_some_likes,
    no_such_image,
    owner_of,
    remove,
)
from common.sharing.removing import (
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
