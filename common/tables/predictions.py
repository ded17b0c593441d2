"""Tables of images, predictions, batches, and the objects that hold the images' bytes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from common.database.session import now
from common.database.types import Hash
from common.tables.base import UTF8, Base, State


class StoredObject(Base):
    """The bytes of one sha256 in the store; uploads and deletions lock this row.

    `state` is ready, deleting (the bytes may be deleted at any moment) or deleted. The row of a
    deleted object is kept for a while, for uploads in progress that stored the same bytes before
    they were deleted.
    """

    __tablename__ = "objects"
    __table_args__ = (Index("ix_objects_state", "state", "created_at"), UTF8)

    sha256: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10), default="ready")
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Image(Base):
    """An uploaded image. Width and height are those of the upright image.

    `posts` counts the posts that show it; an image with posts is visible to everyone. An owner has
    at most one image of the same bytes.
    """

    __tablename__ = "images"
    __table_args__ = (
        # For both uses: an index that begins with a random value costs each upload a read and a
        # write of a page once it exceeds the database's memory.
        Index("uq_images_sha256_owner_id", "sha256", "owner_id", unique=True),
        Index("ix_images_owner_id", "owner_id", "id"),
        Index("ix_images_visibility", "visibility", "id"),
        Index("ix_images_file_name", "file_name", "id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: checking it would lock the owner's row at every upload.
    owner_id: Mapped[UUID | None]  # None: anonymous
    sha256: Mapped[bytes] = mapped_column(Hash, ForeignKey("objects.sha256"))
    file_name: Mapped[str] = mapped_column(String(255))
    width: Mapped[int]
    height: Mapped[int]
    visibility: Mapped[str] = mapped_column(String(10))
    posts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Prediction(Base):
    """One task on one image or text. The row holds the state and is the outbox: a message in the
    queue only names it. It is visible to everyone who may see its image, or without an image to its
    owner.

    `check_at` is the time at which the sweep examines the row, unless its state changes before. It
    is NULL in a final state, so that one index finds all rows that are late for any reason.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        Index("ix_predictions_check_at", "check_at"),
        Index("ix_predictions_image_task", "image_id", "task", "owner_id", "id"),
        Index("ix_predictions_lane", "task", "interactive", "started_at"),
        Index("ix_predictions_repeated_key", "repeated_key"),
        Index("ix_predictions_owner_id", "owner_id", "id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None]  # the caller who created it; None: anonymous
    task: Mapped[str] = mapped_column(String(32))
    image_id: Mapped[UUID | None] = mapped_column(ForeignKey("images.id"))
    sha256: Mapped[bytes | None] = mapped_column(Hash)
    params: Mapped[dict[str, Any]]
    wanted_model: Mapped[str | None] = mapped_column(String(255))  # name@version; or the default
    caller_data: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    interactive: Mapped[bool] = mapped_column(default=False)
    webhook_url: Mapped[str | None] = mapped_column(String(2000))
    webhook_secret: Mapped[str | None] = mapped_column(String(128))  # the caller's own, if any

    state: Mapped[str] = mapped_column(String(10), default=State.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    lost_claims: Mapped[int] = mapped_column(default=0)  # among claims that ran alone
    ran_alone: Mapped[bool] = mapped_column(default=False, server_default=false())  # latest claim
    cancel_requested: Mapped[bool] = mapped_column(default=False, server_default=false())
    lease_owner: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    next_attempt_at: Mapped[datetime | None]
    check_at: Mapped[datetime | None]

    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    announced_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime]

    model: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
    timings: Mapped[dict[str, Any] | None]
    cache_key: Mapped[bytes | None] = mapped_column(Hash)  # of a result that may be reused
    # The same if another image had the same bytes; otherwise NULL, so that a result of new bytes
    # needs no entry at a random place of the index.
    repeated_key: Mapped[bytes | None] = mapped_column(Hash)
    cached: Mapped[bool] = mapped_column(default=False, server_default=false())
    keep_until: Mapped[datetime | None]  # of a search that was read again or received feedback


class Batch(Base):
    """A batch of prediction requests; `total` counts its items, including rejected ones."""

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_owner_id", "owner_id"),
        Index("ix_batches_created_at", "created_at"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None]  # None: anonymous; visible to everyone who knows the id
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class BatchItem(Base):
    """One item of a batch: its prediction, or the error for which it was rejected."""

    __tablename__ = "batch_items"
    __table_args__ = (
        Index("ix_batch_items_prediction_id", "prediction_id"),
        Index("ix_batch_items_image_id", "image_id"),
        UTF8,
    )

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    custom_id: Mapped[str | None] = mapped_column(String(255))
    task: Mapped[str | None] = mapped_column(String(32))
    image_id: Mapped[UUID | None]  # as requested; the image may not exist
    prediction_id: Mapped[UUID | None] = mapped_column(ForeignKey("predictions.id"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
