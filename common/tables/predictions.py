"""Images, what is asked of them, and the objects that hold their bytes."""

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

    `state` is ready, deleting (its bytes may go at any moment) or deleted (they are gone; the row
    stays a while, for an upload under way that put the same bytes before they went).
    """

    __tablename__ = "objects"
    __table_args__ = (Index("ix_objects_state", "state", "created_at"), UTF8)

    sha256: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10), default="ready")
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Image(Base):
    """An uploaded image: who sent which bytes under what name. Width and height are upright.

    `posts` counts the posts that show it; while there are any, everyone may see it. Nobody has the
    same bytes twice.
    """

    __tablename__ = "images"
    __table_args__ = (
        Index("ix_images_sha256", "sha256"),
        Index("uq_images_owner_id_sha256", "owner_id", "sha256", unique=True),
        Index("ix_images_owner_id", "owner_id", "id"),
        Index("ix_images_visibility", "visibility", "id"),
        Index("ix_images_file_name", "file_name", "id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    # No foreign key: checking it would lock the owner's row at every upload.
    owner_id: Mapped[UUID | None]  # None: an anonymous caller's
    sha256: Mapped[bytes] = mapped_column(Hash, ForeignKey("objects.sha256"))
    file_name: Mapped[str] = mapped_column(String(255))
    width: Mapped[int]
    height: Mapped[int]
    visibility: Mapped[str] = mapped_column(String(10))
    posts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Prediction(Base):
    """One task asked of one image. The row is the truth and the outbox. Whoever may see the image
    may see the prediction; one without an image is visible to its owner.

    `check_at` is when the housekeeper must look at the row if nothing has happened to it until
    then; it is NULL once the state is final, so one index serves every kind of lateness.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        Index("ix_predictions_check_at", "check_at"),
        Index("ix_predictions_image_task", "image_id", "task", "owner_id", "id"),
        Index("ix_predictions_lane", "task", "interactive", "started_at"),
        Index("ix_predictions_cache_key", "cache_key"),
        Index("ix_predictions_owner_id", "owner_id", "id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None]  # who asked; None: an anonymous caller
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
    lost_claims: Mapped[int] = mapped_column(default=0)  # of those that ran alone
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
    cache_key: Mapped[bytes | None] = mapped_column(Hash)  # of a result that may be given again
    cached: Mapped[bool] = mapped_column(default=False, server_default=false())
    keep_until: Mapped[datetime | None]  # of a search that is read again or has got feedback


class Batch(Base):
    """Many things asked at once; `total` items, good and bad."""

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_owner_id", "owner_id"),
        Index("ix_batches_created_at", "created_at"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID | None]  # None: an anonymous caller's, for whoever has the id
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class BatchItem(Base):
    """One thing asked in a batch: a prediction, or why there is none."""

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
    image_id: Mapped[UUID | None]  # as it was asked for: there may be no such image
    prediction_id: Mapped[UUID | None] = mapped_column(ForeignKey("predictions.id"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)
