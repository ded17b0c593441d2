"""Deleting posts, likes, follows and share links together with an image or an account."""

from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from common.database.session import execute
from common.social.posts import remove_some_likes, remove_unnoted
from common.tables import Follow, Like, Post, ShareLink, User

AT_ONCE = 500  # rows per statement


def remove_some_posts_of_image(session: Session, image_id: UUID) -> int:
    """Delete up to AT_ONCE posts of an image that will be deleted, or likes of them; returns the
    number, below AT_ONCE if none are left. The image is not noted for the index.

    The caller must hold the lock of the image's row; otherwise a new post could be inserted.
    """
    posts = select(Post.id).where(Post.image_id == image_id).limit(AT_ONCE)
    return _remove_some(session, [row.id for row in execute(session, posts)])


def remove_posts_of_user(session: Session, user_id: UUID) -> int:
    """Delete the posts, likes, follows (in both directions) and share links of an account that will
    be deleted; returns the number of posts.
    """
    _lock_user(session, user_id)
    count = 0
    while ids := _some_posts(session, user_id):
        count += remove_unnoted(session, ids).total()
    while posts := _some_liked(session, user_id):
        _delete_likes(session, user_id, posts)
    is_involved = or_(Follow.follower_id == user_id, Follow.followed_id == user_id)
    execute(session, delete(Follow).where(is_involved))
    execute(session, delete(ShareLink).where(ShareLink.owner_id == user_id))
    return count


def remove_some_posts_of_user(session: Session, user_id: UUID) -> int:
    """Delete up to AT_ONCE likes of an account's posts, or its posts, or its own likes; returns the
    number, 0 if none are left.
    """
    _lock_user(session, user_id)
    if ids := _some_posts(session, user_id):
        return _remove_some(session, ids)
    if posts := _some_liked(session, user_id):
        _delete_likes(session, user_id, posts)
    return len(posts)


def _lock_user(session: Session, user_id: UUID) -> None:
    execute(session, select(User.id).where(User.id == user_id).with_for_update())


def _some_posts(session: Session, user_id: UUID) -> list[UUID]:
    posts = select(Post.id).where(Post.owner_id == user_id).limit(AT_ONCE)
    return [row.id for row in execute(session, posts)]


def _some_liked(session: Session, user_id: UUID) -> list[UUID]:
    likes = select(Like.post_id).where(Like.user_id == user_id).order_by(Like.post_id)
    return [row.post_id for row in execute(session, likes.limit(AT_ONCE))]


def _remove_some(session: Session, ids: list[UUID]) -> int:
    """Delete posts with their likes, or only AT_ONCE likes if they have that many."""
    likes = remove_some_likes(session, ids)
    return likes if likes >= AT_ONCE else likes + remove_unnoted(session, ids).total()


def _delete_likes(session: Session, user_id: UUID, posts: list[UUID]) -> None:
    """Delete the user's likes of these posts and count them, under the locks of the posts."""
    in_order = select(Post.id).where(Post.id.in_(posts)).order_by(Post.id)
    execute(session, in_order.with_for_update())
    likes = select(Like.post_id).where(Like.user_id == user_id, Like.post_id.in_(posts))
    liked = [row.post_id for row in execute(session, likes)]
    execute(session, update(Post).where(Post.id.in_(liked)).values(likes=Post.likes - 1))
    execute(session, delete(Like).where(Like.user_id == user_id, Like.post_id.in_(liked)))
