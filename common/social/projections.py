"""Reading posts for display, each with its author and its image."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute
from common.tables import Image, Like, Post, User


class PostRecord(NamedTuple):
    """A post with its author's name and its image."""

    id: UUID
    owner_id: UUID
    image_id: UUID
    text: str
    likes: int
    created_at: datetime
    updated_at: datetime
    author: str
    is_active: bool
    file_name: str
    width: int
    height: int


def read_posts(
    session: Session, ids: Sequence[UUID], all_accounts: bool = False
) -> list[PostRecord]:
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
    rows = rows_as(PostRecord, execute(session, posts))
    visible = {row.id: row for row in rows if row.is_active or all_accounts}
    return [visible[id] for id in ids if id in visible]


def liked_by(session: Session, user_id: UUID | None, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the posts that the user likes; an empty set for None."""
    if user_id is None or not ids:
        return set()
    likes = select(Like.post_id).where(Like.user_id == user_id, Like.post_id.in_(ids))
    return {row.post_id for row in execute(session, likes)}
