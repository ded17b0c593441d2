"""drift_samples"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drift_samples",
        sa.Column("hour", Moment, nullable=False),
        sa.Column("model", sa.String(255), nullable=False),
        sa.Column("feature", sa.String(16), nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("hour", "model", "feature", name="pk_drift_samples"),
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
        mysql_engine="InnoDB",
    )


def downgrade() -> None:
    op.drop_table("drift_samples")
