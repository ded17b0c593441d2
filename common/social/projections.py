"""Reading posts for display, each with its author and its image."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.tables import Image, Like, Post, User


def read_posts(session: Session, ids: Sequence[UUID], all_accounts: bool = False) -> list[Row[Any]]:
    """Return the existing posts with these ids, in their order; without those of disabled accounts
    unless `all_accounts` is set.
    """
    if not ids:
        return []
    posts = (
        select(
            Post.id, Post.owner_id, Post.image_id, Post.text, Post.likes, Post.created_at,
            Post.updated_at, User.name.label("author"), User.is_active, Image.file_name,
            Image.width, Image.height,
        )
        .join(User, User.id == Post.owner_id)
        .join(Image, Image.id == Post.image_id)
        .where(Post.id.in_(ids))
    )  # fmt: skip
    rows = {row.id: row for row in execute(session, posts) if row.is_active or all_accounts}
    return [rows[id] for id in ids if id in rows]


def liked_by(session: Session, user_id: UUID | None, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the posts that the user likes; None is an anonymous user, who likes none."""
    if user_id is None or not ids:
        return set()
    likes = select(Like.post_id).where(Like.user_id == user_id, Like.post_id.in_(ids))
    return {row.post_id for row in execute(session, likes)}
