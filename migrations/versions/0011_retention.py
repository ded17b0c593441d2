"""Indexes by age, and how long a search is kept"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_batches_created_at": ("batches", "created_at"),
    "ix_webhook_deliveries_created_at": ("webhook_deliveries", "created_at"),
    "ix_voters_day": ("voters", "day"),
}


def upgrade() -> None:
    op.add_column("predictions", sa.Column("keep_until", Moment, nullable=True))
    for name, (table, column) in INDEXES.items():
        op.create_index(name, table, [column])


def downgrade() -> None:
    for name, (table, _) in INDEXES.items():
        op.drop_index(name, table)
    op.drop_column("predictions", "keep_until")
