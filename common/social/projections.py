"""What is shown of posts: each with its author and its image."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from common.database.session import execute
from common.database.types import Id
from common.tables import Image, Like, Post, User

# Built once: making a statement costs as much as sending it.
_THESE = bindparam("these", expanding=True, type_=Id)
POSTS = (
    select(
        Post.id, Post.owner_id, Post.image_id, Post.text, Post.likes, Post.created_at,
        Post.updated_at, User.name.label("author"), User.is_active, Image.file_name, Image.width,
        Image.height,
    )
    .join(User, User.id == Post.owner_id)
    .join(Image, Image.id == Post.image_id)
    .where(Post.id.in_(_THESE))
)  # fmt: skip
LIKED = select(Like.post_id).where(Like.user_id == bindparam("user"), Like.post_id.in_(_THESE))


def find(session: Session, ids: Sequence[UUID], all_accounts: bool = False) -> list[Row[Any]]:
    """The posts of these ids, in their order, without those that are gone and, unless
    `all_accounts` is set, without those of disabled accounts.
    """
    if not ids:
        return []
    rows = execute(session, POSTS, {"these": ids})
    found = {row.id: row for row in rows if row.is_active or all_accounts}
    return [found[id] for id in ids if id in found]


def liked(session: Session, user_id: UUID | None, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these posts the user likes."""
    if user_id is None or not ids:
        return set()
    return {row.post_id for row in execute(session, LIKED, {"user": user_id, "these": ids})}
