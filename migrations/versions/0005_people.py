"""Users, logins, api_keys, counters; posts, likes, follows, share_links; owners of what there is"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash, Id, Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}
INDEXES = {  # of tables that were there before
    "uq_images_owner_id_sha256": ("images", ["owner_id", "sha256"], True),
    "ix_images_owner_id": ("images", ["owner_id", "id"], False),
    "ix_images_visibility": ("images", ["visibility", "id"], False),
    "ix_predictions_owner_id": ("predictions", ["owner_id", "id"], False),
}
OWNED = ("images", "predictions", "batches")


def upgrade() -> None:
    for table in OWNED:
        op.add_column(table, sa.Column("owner_id", Id, nullable=True))
    op.add_column("images", sa.Column("posts", sa.Integer, server_default="0", nullable=False))
    for name, (table, columns, unique) in INDEXES.items():
        op.create_index(name, table, columns, unique=unique)
    _create_users()
    _create_credentials()
    _create_posts()
    _create_links()


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("name_key", sa.String(160), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_key", sa.String(254), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("role", sa.String(8), nullable=False),
        sa.Column("is_active", sa.Boolean, server_default=sa.true(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.Index("uq_users_name_key", "name_key", unique=True),
        sa.Index("uq_users_email_key", "email_key", unique=True),
        **UTF8,
    )
    op.create_table(
        "counters",
        sa.Column("name", Hash, nullable=False),
        sa.Column("ends_at", Moment, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
        sa.Index("ix_counters_ends_at", "ends_at"),
        **UTF8,
    )


def _create_credentials() -> None:
    op.create_table(
        "logins",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("refresh_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_logins"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_logins_user_id"),
        sa.Index("ix_logins_user_id", "user_id"),
        sa.Index("ix_logins_expires_at", "expires_at"),
        **UTF8,
    )
    op.create_table(
        "api_keys",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("sha256", Hash, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("used_at", Moment, nullable=True),
        sa.Column("expires_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id"),
        sa.Index("uq_api_keys_sha256", "sha256", unique=True),
        sa.Index("ix_api_keys_user_id", "user_id"),
        **UTF8,
    )


def _create_posts() -> None:
    op.create_table(
        "posts",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("likes", sa.Integer, server_default="0", nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_posts_owner_id"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_posts_image_id"),
        sa.Index("ix_posts_owner_id", "owner_id", "id"),
        sa.Index("ix_posts_image_id", "image_id"),
        sa.Index("ix_posts_likes", "likes", "id"),
        **UTF8,
    )
    op.create_table(
        "share_links",
        sa.Column("id", Id, nullable=False),
        sa.Column("slug", sa.String(32), nullable=False),
        sa.Column("post_id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_share_links"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_share_links_post_id"),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_share_links_owner_id"),
        sa.Index("uq_share_links_slug", "slug", unique=True),
        sa.Index("ix_share_links_post_id", "post_id"),
        **UTF8,
    )


def _create_links() -> None:
    """Create the tables of likes and follows."""
    op.create_table(
        "likes",
        sa.Column("post_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("post_id", "user_id", name="pk_likes"),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name="fk_likes_post_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_likes_user_id"),
        sa.Index("ix_likes_user_id", "user_id", "post_id"),
        **UTF8,
    )
    op.create_table(
        "follows",
        sa.Column("follower_id", Id, nullable=False),
        sa.Column("followed_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("follower_id", "followed_id", name="pk_follows"),
        sa.ForeignKeyConstraint(["follower_id"], ["users.id"], name="fk_follows_follower_id"),
        sa.ForeignKeyConstraint(["followed_id"], ["users.id"], name="fk_follows_followed_id"),
        sa.Index("ix_follows_followed_id", "followed_id", "follower_id"),
        **UTF8,
    )


def downgrade() -> None:
    for name in ("follows", "likes", "share_links", "posts", "api_keys", "logins", "counters"):
        op.drop_table(name)
    op.drop_table("users")
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table)
    op.drop_column("images", "posts")
    for table in OWNED:
        op.drop_column(table, "owner_id")
