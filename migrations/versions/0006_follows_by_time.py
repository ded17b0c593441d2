"""List who follows whom by the time at which it began"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEW = {
    "ix_follows_followers": ["followed_id", "created_at", "follower_id"],
    "ix_follows_following": ["follower_id", "created_at", "followed_id"],
}
OLD = "ix_follows_followed_id"


def upgrade() -> None:
    for name, columns in NEW.items():
        op.create_index(name, "follows", columns)
    op.drop_index(OLD, "follows")  # after the others: MySQL wants one for each foreign key


def downgrade() -> None:
    op.create_index(OLD, "follows", ["followed_id", "follower_id"])
    for name in NEW:
        op.drop_index(name, "follows")
