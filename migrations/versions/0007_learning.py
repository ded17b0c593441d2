"""votes, voters, lessons, clicks, search_days; images by their file name"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash, Id, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.create_index("ix_images_file_name", "images", ["file_name", "id"])
    _create_votes()
    _create_lessons()
    _create_searches()


def _create_votes() -> None:
    op.create_table(
        "votes",
        sa.Column("id", Id, nullable=False),
        sa.Column("voter", Hash, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("query_key", Hash, nullable=False),
        sa.Column("query", sa.String(300), nullable=False),
        sa.Column("value", sa.SmallInteger, nullable=False),
        sa.Column("weight", sa.Integer, nullable=False),
        sa.Column("search_id", Id, nullable=True),
        sa.Column("model", sa.String(255), nullable=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.Index("uq_votes_voter", "voter", "image_id", "query_key", unique=True),
        sa.Index("ix_votes_query_key", "query_key", "id"),
        sa.Index("ix_votes_image_id", "image_id"),
        sa.Index("ix_votes_day", "day"),
        **UTF8,
    )
    op.create_table(
        "voters",
        sa.Column("voter", Hash, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("votes", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("voter", name="pk_voters"),
        **UTF8,
    )


def _create_lessons() -> None:
    op.create_table(
        "lessons",
        sa.Column("term_key", Id, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("up", sa.BigInteger, nullable=False),
        sa.Column("down", sa.BigInteger, nullable=False),
        sa.Column("net", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("term_key", "image_id", name="pk_lessons"),
        sa.Index("ix_lessons_net", "term_key", "net", "up", "down"),
        sa.Index("ix_lessons_image_id", "image_id"),
        **UTF8,
    )


def _create_searches() -> None:
    """What was looked at, and what was searched for on which day."""
    op.create_table(
        "clicks",
        sa.Column("search_id", Id, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("position", sa.Integer, nullable=True),
        sa.Column("model", sa.String(255), nullable=True),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("search_id", "image_id", name="pk_clicks"),
        sa.Index("ix_clicks_day", "day"),
        **UTF8,
    )
    op.create_table(
        "search_days",
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("query_key", Hash, nullable=False),
        sa.Column("query", sa.String(300), nullable=False),
        sa.Column("searches", sa.Integer, nullable=False),
        sa.Column("misses", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("day", "model", "query_key", name="pk_search_days"),
        **UTF8,
    )


def downgrade() -> None:
    for table in ("search_days", "clicks", "lessons", "voters", "votes"):
        op.drop_table(table)
    op.drop_index("ix_images_file_name", "images")
