"""Note in each webhook delivery who asked for it, so that slots can be shared by account"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Id

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhook_deliveries", sa.Column("owner_id", Id, nullable=True))
    op.execute(
        "UPDATE webhook_deliveries SET owner_id = (SELECT owner_id FROM predictions"
        " WHERE predictions.id = webhook_deliveries.prediction_id)"
        " WHERE next_attempt_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_column("webhook_deliveries", "owner_id")
