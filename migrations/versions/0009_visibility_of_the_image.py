"""Read a prediction's visibility from its image; index what deletion and image pages look up"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NEW = {
    "ix_predictions_image_task": ("predictions", ["image_id", "task", "owner_id", "id"]),
    "ix_batches_owner_id": ("batches", ["owner_id"]),
    "ix_batch_items_image_id": ("batch_items", ["image_id"]),
    "ix_clicks_image_id": ("clicks", ["image_id"]),
    "ix_idempotency_keys_image_id": ("idempotency_keys", ["image_id"]),
    "ix_webhook_deliveries_forget_at": ("webhook_deliveries", ["forget_at"]),
}
OLD = "ix_predictions_image_id"


def upgrade() -> None:
    with op.batch_alter_table("webhook_deliveries") as table:
        table.add_column(sa.Column("forget_at", Moment, nullable=True))
        table.alter_column("url", existing_type=sa.String(2000), nullable=True)
    for name, (table_name, columns) in NEW.items():
        op.create_index(name, table_name, columns)
    op.drop_index(OLD, "predictions")  # after the new one: MySQL wants one for the foreign key
    op.drop_column("predictions", "visibility")


def downgrade() -> None:
    hidden = sa.Column("visibility", sa.String(10), server_default="private", nullable=False)
    op.add_column("predictions", hidden)
    images = "SELECT visibility FROM images WHERE images.id = predictions.image_id"
    op.execute(f"UPDATE predictions SET visibility = COALESCE(({images}), 'private')")
    op.create_index(OLD, "predictions", ["image_id"])
    for name, (table_name, _) in NEW.items():
        op.drop_index(name, table_name)
    op.execute("DELETE FROM webhook_deliveries WHERE url IS NULL")
    with op.batch_alter_table("webhook_deliveries") as table:
        table.drop_column("forget_at")
        table.alter_column("url", existing_type=sa.String(2000), nullable=False)
