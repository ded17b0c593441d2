"""Remember the refresh token that was replaced last, when, and from which network"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash, Id, Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("logins", sa.Column("former_refresh_id", Id, nullable=True))
    op.add_column("logins", sa.Column("refreshed_at", Moment, nullable=True))
    op.add_column("logins", sa.Column("refreshed_from", Hash, nullable=True))


def downgrade() -> None:
    for name in ("former_refresh_id", "refreshed_at", "refreshed_from"):
        op.drop_column("logins", name)
