"""One index on the sha256 of images instead of two; index the cache keys of repeated bytes only

Entries of these indexes are in random order, so that with more rows than fit into the database's
memory, each of them costs an upload a read and a write of a page.
"""

import sqlalchemy as sa
from alembic import op

from common.database.types import Hash

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("repeated_key", Hash, nullable=True))
    op.create_index("ix_predictions_repeated_key", "predictions", ["repeated_key"])
    op.drop_index("ix_predictions_cache_key", "predictions")
    # The new one first: MySQL wants one for the foreign key.
    op.create_index("uq_images_sha256_owner_id", "images", ["sha256", "owner_id"], unique=True)
    op.drop_index("ix_images_sha256", "images")
    op.drop_index("uq_images_owner_id_sha256", "images")


def downgrade() -> None:
    op.create_index("uq_images_owner_id_sha256", "images", ["owner_id", "sha256"], unique=True)
    op.create_index("ix_images_sha256", "images", ["sha256"])
    op.drop_index("uq_images_sha256_owner_id", "images")
    op.create_index("ix_predictions_cache_key", "predictions", ["cache_key"])
    op.drop_index("ix_predictions_repeated_key", "predictions")
    op.drop_column("predictions", "repeated_key")
