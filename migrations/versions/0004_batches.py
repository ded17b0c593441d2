"""batches, batch_items"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Id, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", Id, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batches"),
        **UTF8,
    )
    op.create_table(
        "batch_items",
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("custom_id", sa.String(255), nullable=True),
        sa.Column("task", sa.String(32), nullable=True),
        sa.Column("image_id", Id, nullable=True),
        sa.Column("prediction_id", Id, nullable=True),
        sa.Column("error_code", sa.String(64), nullable=True),
        sa.Column("error_detail", sa.Text, nullable=True),
        sa.PrimaryKeyConstraint("batch_id", "position", name="pk_batch_items"),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name="fk_batch_items_batch_id"),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name="fk_batch_items_prediction_id"
        ),
        sa.Index("ix_batch_items_prediction_id", "prediction_id"),
        **UTF8,
    )


def downgrade() -> None:
    op.drop_table("batch_items")
    op.drop_table("batches")
