"""Likes: a row for each, and a counter on the post that moves with the rows.

Whoever likes locks the post first. To insert a like locks the post for sharing, because of the
foreign key, and the counter needs it alone: two that did both at once would wait for each other.
"""

from uuid import UUID

from sqlalchemy import bindparam, delete, select, true, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.social.account_locks import hold
from common.tables import Like, Post, User

# Built once: making a statement costs as much as sending it.
_THIS = Post.id == bindparam("post")
HOLD = select(Post.id).where(_THIS).with_for_update()
_by_active = select(User.is_active).where(User.id == Post.owner_id).scalar_subquery()
HOLD_SHOWN = HOLD.where(_by_active == true())
ENTER = insert_missing(Like)
TAKE_BACK = delete(Like).where(Like.post_id == bindparam("post"), Like.user_id == bindparam("user"))
COUNT = update(Post).where(_THIS).values(likes=Post.likes + bindparam("more"))


def like(session: Session, post_id: UUID, user_id: UUID) -> bool:
    """Have the user like the post, once; False when there is no such post, or its author's account
    is disabled.
    """
    hold(session, user_id)
    if execute(session, HOLD_SHOWN, {"post": post_id}).first() is None:
        return False
    entered = execute(session, ENTER, {"post_id": post_id, "user_id": user_id}).rowcount
    _count(session, post_id, entered)
    return True


def unlike(session: Session, post_id: UUID, user_id: UUID) -> bool:
    """Take the user's like back, if there is one; False when there is no such post."""
    if not _is_held(session, post_id):
        return False
    gone = execute(session, TAKE_BACK, {"post": post_id, "user": user_id}).rowcount
    _count(session, post_id, -gone)
    return True


def _is_held(session: Session, post_id: UUID) -> bool:
    return execute(session, HOLD, {"post": post_id}).first() is not None


def _count(session: Session, post_id: UUID, more: int) -> None:
    if more:
        execute(session, COUNT, {"post": post_id, "more": more})
