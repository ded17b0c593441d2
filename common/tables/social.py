"""Tables of posts, likes, follows and share links."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from common.database.session import now
from common.tables.base import UTF8, Base


class Post(Base):
    """An image with a text, visible to everyone. `likes` counts its rows in the table `likes`."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_owner_id", "owner_id", "id"),
        Index("ix_posts_image_id", "image_id"),
        Index("ix_posts_likes", "likes", "id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    image_id: Mapped[UUID] = mapped_column(ForeignKey("images.id"))
    text: Mapped[str] = mapped_column(Text)  # at most 10,000 characters
    likes: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    updated_at: Mapped[datetime] = mapped_column(insert_default=now())


class Like(Base):
    """A user's like of a post."""

    __tablename__ = "likes"
    __table_args__ = (Index("ix_likes_user_id", "user_id", "post_id"), UTF8)

    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Follow(Base):
    """The subscription of one user (`follower_id`) to another's posts (`followed_id`)."""

    __tablename__ = "follows"
    __table_args__ = (
        Index("ix_follows_following", "follower_id", "created_at", "followed_id"),
        Index("ix_follows_followers", "followed_id", "created_at", "follower_id"),
        UTF8,
    )

    follower_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    followed_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class ShareLink(Base):
    """An address that shows a post to everyone who knows it, until it expires or is revoked."""

    __tablename__ = "share_links"
    __table_args__ = (
        Index("uq_share_links_slug", "slug", unique=True),
        Index("ix_share_links_post_id", "post_id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(32))
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
