"""How far a recurring job has worked through a table"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Id

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chores", sa.Column("progress", Id, nullable=True))


def downgrade() -> None:
    op.drop_column("chores", "progress")
