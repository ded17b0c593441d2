"""Images that have been compared with the others of their owner, and the groups of copies"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Id

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "compared_images",
        sa.Column("image_id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("group_id", Id, nullable=True),
        sa.Column("hash_distance", sa.Integer, nullable=True),
        sa.Column("common_part", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("image_id", name="pk_compared_images"),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_compared_images_image_id"),
        **UTF8,
    )
    op.create_index(
        "ix_compared_images_group", "compared_images", ["owner_id", "group_id", "image_id"]
    )


def downgrade() -> None:
    op.drop_table("compared_images")
