"""What goes with an image or an account: posts, likes, follows and share links."""

from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.social.posts import forget_some_likes, take_away
from common.tables import Follow, Like, Post, ShareLink, User

AT_ONCE = 500  # rows a statement

_user = bindparam("user", type_=Id)
_THESE = bindparam("these", expanding=True, type_=Id)
HOLD_USER = select(User.id).where(User.id == _user).with_for_update()
OF_IMAGE = select(Post.id).where(Post.image_id == bindparam("image")).limit(AT_ONCE)
OF_USER = select(Post.id).where(Post.owner_id == _user).limit(AT_ONCE)
LIKED = select(Like.post_id).where(Like.user_id == _user).order_by(Like.post_id).limit(AT_ONCE)
HOLD_POSTS = select(Post.id).where(Post.id.in_(_THESE)).order_by(Post.id).with_for_update()
STILL_LIKED = select(Like.post_id).where(Like.user_id == _user, Like.post_id.in_(_THESE))
TAKE_BACK = delete(Like).where(Like.user_id == _user, Like.post_id.in_(_THESE))
COUNT_LESS = update(Post).where(Post.id.in_(_THESE)).values(likes=Post.likes - 1)
FOLLOWS = delete(Follow).where(or_(Follow.follower_id == _user, Follow.followed_id == _user))
LINKS = delete(ShareLink).where(ShareLink.owner_id == _user)


def remove_some_posts_of_image(session: Session, image_id: UUID) -> int:
    """Remove up to AT_ONCE posts that show the image, or likes of those, before the image goes
    itself; returns how many: fewer than AT_ONCE when none are left. The image is not noted to be
    indexed again.

    The caller holds the image's row, or another post may show it again at once.
    """
    ids = [row.id for row in execute(session, OF_IMAGE, {"image": image_id})]
    return _take_some(session, ids)


def remove_posts_of_user(session: Session, user_id: UUID) -> int:
    """Remove what an account has shared, before it goes itself: its posts, its likes, whom it
    follows, who follows it, its share links. Returns how many posts there were.
    """
    execute(session, HOLD_USER, {"user": user_id})
    count = 0
    while ids := [row.id for row in execute(session, OF_USER, {"user": user_id})]:
        count += take_away(session, ids).total()
    while posts := [row.post_id for row in execute(session, LIKED, {"user": user_id})]:
        _take_back(session, user_id, posts)
    for statement in (FOLLOWS, LINKS):
        execute(session, statement, {"user": user_id})
    return count


def remove_some_posts_of_user(session: Session, user_id: UUID) -> int:
    """Remove up to AT_ONCE likes of an account's posts, posts, or likes of its own; returns how
    many, 0 when none are left.
    """
    execute(session, HOLD_USER, {"user": user_id})
    if ids := [row.id for row in execute(session, OF_USER, {"user": user_id})]:
        return _take_some(session, ids)
    if posts := [row.post_id for row in execute(session, LIKED, {"user": user_id})]:
        _take_back(session, user_id, posts)
    return len(posts)


def _take_some(session: Session, ids: list[UUID]) -> int:
    """Remove posts with their likes, or only AT_ONCE likes where there are as many."""
    likes = forget_some_likes(session, ids)
    return likes if likes >= AT_ONCE else likes + take_away(session, ids).total()


def _take_back(session: Session, user_id: UUID, posts: list[UUID]) -> None:
    """Some of the user's likes, counted off under the posts' locks as each single one would be."""
    execute(session, HOLD_POSTS, {"these": posts})
    these = [
        row.post_id for row in execute(session, STILL_LIKED, {"user": user_id, "these": posts})
    ]
    execute(session, COUNT_LESS, {"these": these})
    execute(session, TAKE_BACK, {"user": user_id, "these": these})
