"""Which claims ran alone; a fencing token of webhook deliveries that never decreases"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ran_alone = sa.Column("ran_alone", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("predictions", ran_alone)
    fence = sa.Column("fence", sa.Integer, nullable=False, server_default="0")
    op.add_column("webhook_deliveries", fence)
    op.execute("UPDATE webhook_deliveries SET fence = attempts WHERE attempts > 0")


def downgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as table:
        table.drop_column("fence")
    with op.batch_alter_table("predictions") as table:
        table.drop_column("ran_alone")
