"""objects, images, predictions, engines"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash, Id, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def upgrade() -> None:
    op.create_table(
        "objects",
        sa.Column("sha256", Hash, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(32), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_objects"),
        **UTF8,
    )
    op.create_table(
        "images",
        sa.Column("id", Id, nullable=False),
        sa.Column("sha256", Hash, nullable=False),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.ForeignKeyConstraint(["sha256"], ["objects.sha256"], name="fk_images_sha256"),
        sa.Index("ix_images_sha256", "sha256"),
        **UTF8,
    )
    _create_predictions()
    op.create_table(
        "engines",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("seen_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_engines"),
        **UTF8,
    )


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", Id, nullable=False),
        sa.Column("task", sa.String(32), nullable=False),
        sa.Column("image_id", Id),
        sa.Column("sha256", Hash),
        sa.Column("params", sa.JSON, nullable=False),
        sa.Column("metadata", sa.JSON),
        sa.Column("interactive", sa.Boolean, nullable=False),
        sa.Column("visibility", sa.String(10), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("lost_claims", sa.Integer, nullable=False),
        sa.Column("lease_owner", Id),
        sa.Column("lease_until", Moment),
        sa.Column("next_attempt_at", Moment),
        sa.Column("check_at", Moment),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("announced_at", Moment),
        sa.Column("started_at", Moment),
        sa.Column("finished_at", Moment),
        sa.Column("deadline_at", Moment, nullable=False),
        sa.Column("model", sa.JSON),
        sa.Column("result", sa.JSON),
        sa.Column("error_code", sa.String(64)),
        sa.Column("error_detail", sa.Text),
        sa.Column("timings", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_predictions_image_id"),
        sa.Index("ix_predictions_check_at", "check_at"),
        sa.Index("ix_predictions_image_id", "image_id"),
        sa.Index("ix_predictions_lane", "task", "interactive", "started_at"),
        **UTF8,
    )


def downgrade() -> None:
    for table in ("engines", "predictions", "images", "objects"):
        op.drop_table(table)
