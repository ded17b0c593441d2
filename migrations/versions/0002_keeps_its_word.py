"""Webhooks, idempotency keys, cancellation, cached results"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash, Id, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
}


def _new_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("webhook_url", sa.String(2000), nullable=True),
        sa.Column("webhook_secret", sa.String(128), nullable=True),
        sa.Column("cancel_requested", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("cache_key", Hash, nullable=True),
        sa.Column("cached", sa.Boolean, server_default=sa.false(), nullable=False),
    ]


def upgrade() -> None:
    for column in _new_columns():
        op.add_column("predictions", column)
    op.create_index("ix_predictions_cache_key", "predictions", ["cache_key"])
    op.create_index("ix_objects_state", "objects", ["state", "created_at"])
    _create_webhooks()
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", Hash, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("request_hash", Hash, nullable=False),
        sa.Column("image_id", Id, nullable=False),
        sa.Column("prediction_ids", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON, nullable=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name="pk_idempotency_keys"),
        **UTF8,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "chores",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
        **UTF8,
    )


def _create_webhooks() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("prediction_id", Id, nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", Moment, nullable=True),
        sa.Column("status_code", sa.Integer, nullable=True),
        sa.Column("error", sa.String(255), nullable=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("delivered_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("prediction_id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name="fk_webhook_deliveries_prediction_id"
        ),
        **UTF8,
    )
    op.create_index(
        "ix_webhook_deliveries_next_attempt_at", "webhook_deliveries", ["next_attempt_at"]
    )
    op.create_table(
        "webhook_secrets",
        sa.Column("id", Id, nullable=False),
        sa.Column("secret", sa.String(128), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("retires_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_secrets"),
        **UTF8,
    )


def downgrade() -> None:
    op.drop_table("chores")
    op.drop_table("idempotency_keys")
    op.drop_table("webhook_secrets")
    op.drop_table("webhook_deliveries")
    op.drop_index("ix_objects_state", "objects")
    op.drop_index("ix_predictions_cache_key", "predictions")
    with op.batch_alter_table("predictions") as table:
        for column in reversed(_new_columns()):
            table.drop_column(column.name)
