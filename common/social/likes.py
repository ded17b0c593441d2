"""Likes: one row for each, and a counter on the post that changes in the same transaction.

Each transaction locks the post before it inserts or deletes a like. Inserting alone takes a shared
lock on the post, because of the foreign key, and updating the counter then needs an exclusive one:
two transactions that did both at the same time would deadlock.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, select, true, update
from sqlalchemy.orm import Session

from common.database.session import execute, insert_missing
from common.social.account_locks import hold
from common.tables import Like, Post, User

# Executed for many rows at once when posts or accounts are deleted.
DELETE = delete(Like).where(Like.post_id == bindparam("post"), Like.user_id == bindparam("user"))
COUNT = (
    update(Post).where(Post.id == bindparam("post")).values(likes=Post.likes + bindparam("more"))
)


def like(session: Session, post_id: UUID, user_id: UUID) -> bool:
    """Make the user like the post, if they do not yet; False if the post does not exist or its
    author's account is disabled.
    """
    hold(session, user_id)
    is_active = select(User.is_active).where(User.id == Post.owner_id).scalar_subquery()
    if not _lock(session, post_id, is_active == true()):
        return False
    row = {"post_id": post_id, "user_id": user_id}
    _count(session, post_id, execute(session, insert_missing(Like), row).rowcount)
    return True


def unlike(session: Session, post_id: UUID, user_id: UUID) -> bool:
    """Delete the user's like, if it exists; False if the post does not exist."""
    if not _lock(session, post_id):
        return False
    deleted = execute(session, DELETE, {"post": post_id, "user": user_id}).rowcount
    _count(session, post_id, -deleted)
    return True


def _lock(session: Session, post_id: UUID, *conditions: ColumnElement[bool]) -> bool:
    post = select(Post.id).where(Post.id == post_id, *conditions).with_for_update()
    return execute(session, post).first() is not None


def _count(session: Session, post_id: UUID, more: int) -> None:
    if more:
        execute(session, COUNT, {"post": post_id, "more": more})
