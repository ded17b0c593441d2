"""The tables. Their meaning is DESIGN's; their changes over time are in `migrations/`."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String, Text, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from common.columns import Hash, Id, Moment
from common.db import now

UTF8 = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"}


class State(StrEnum):
    """The life of a prediction; the last four never change again."""

    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self not in (State.QUEUED, State.PROCESSING)


class Visibility(StrEnum):
    """Who may see an image and its predictions: its owner, whoever has the id, everyone."""

    PRIVATE = "private"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Base(DeclarativeBase):
    """What all tables share."""

    # Names of our own, so that migrations can speak of constraints on every backend.
    metadata = MetaData(
        naming_convention={
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it as a plain class attribute)
        UUID: Id,
        datetime: Moment,
        dict[str, Any]: JSON(none_as_null=True),
    }


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
    """An uploaded image: who sent which bytes under what name. Width and height are upright."""

    __tablename__ = "images"
    __table_args__ = (Index("ix_images_sha256", "sha256"), UTF8)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sha256: Mapped[bytes] = mapped_column(Hash, ForeignKey("objects.sha256"))
    file_name: Mapped[str] = mapped_column(String(255))
    width: Mapped[int]
    height: Mapped[int]
    visibility: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Prediction(Base):
    """One task asked of one image. The row is the truth and the outbox.

    `check_at` is when the housekeeper must look at the row if nothing has happened to it until
    then; it is NULL once the state is final, so one index serves every kind of lateness.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        Index("ix_predictions_check_at", "check_at"),
        Index("ix_predictions_image_id", "image_id"),
        Index("ix_predictions_lane", "task", "interactive", "started_at"),
        Index("ix_predictions_cache_key", "cache_key"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(String(32))
    image_id: Mapped[UUID | None] = mapped_column(ForeignKey("images.id"))
    sha256: Mapped[bytes | None] = mapped_column(Hash)
    params: Mapped[dict[str, Any]]
    wanted_model: Mapped[str | None] = mapped_column(String(255))  # name@version; or the default
    caller_data: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    interactive: Mapped[bool] = mapped_column(default=False)
    visibility: Mapped[str] = mapped_column(String(10))
    webhook_url: Mapped[str | None] = mapped_column(String(2000))
    webhook_secret: Mapped[str | None] = mapped_column(String(128))  # the caller's own, if any

    state: Mapped[str] = mapped_column(String(10), default=State.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    lost_claims: Mapped[int] = mapped_column(default=0)
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


class Batch(Base):
    """Many things asked at once; `total` items, good and bad."""

    __tablename__ = "batches"
    __table_args__ = UTF8

    id: Mapped[UUID] = mapped_column(primary_key=True)
    total: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class BatchItem(Base):
    """One thing asked in a batch: a prediction, or why there is none."""

    __tablename__ = "batch_items"
    __table_args__ = (Index("ix_batch_items_prediction_id", "prediction_id"), UTF8)

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    custom_id: Mapped[str | None] = mapped_column(String(255))
    task: Mapped[str | None] = mapped_column(String(32))
    image_id: Mapped[UUID | None]  # as it was asked for: there may be no such image
    prediction_id: Mapped[UUID | None] = mapped_column(ForeignKey("predictions.id"))
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_detail: Mapped[str | None] = mapped_column(Text)


class WebhookDelivery(Base):
    """What is owed to a prediction's webhook, written in the transaction that made it final.

    `state` is pending, delivered, failed (the schedule is used up) or disabled (the receiver said
    410 Gone). `next_attempt_at` is NULL unless it is pending, so its index holds the work alone.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index("ix_webhook_deliveries_next_attempt_at", "next_attempt_at"), UTF8)

    prediction_id: Mapped[UUID] = mapped_column(ForeignKey("predictions.id"), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    status_code: Mapped[int | None]  # of the last attempt
    error: Mapped[str | None] = mapped_column(String(255))  # of the last attempt
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    delivered_at: Mapped[datetime | None]


class WebhookSecret(Base):
    """A signing secret of the service; while one is being replaced, two are valid."""

    __tablename__ = "webhook_secrets"
    __table_args__ = UTF8

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    retires_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A caller's Idempotency-Key: what was asked under it, and what was answered."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"), UTF8)

    scope: Mapped[bytes] = mapped_column(Hash, primary_key=True)  # whose it is
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(Hash)
    image_id: Mapped[UUID]
    prediction_ids: Mapped[list[Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any] | None]  # status, headers, body; NULL until it was given
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Chore(Base):
    """A recurring piece of housekeeping: whoever moves `due_at` ahead does it this time."""

    __tablename__ = "chores"
    __table_args__ = UTF8

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    due_at: Mapped[datetime]


class EngineProcess(Base):
    """A running engine: its heartbeat tells a dead claimer from a busy one."""

    __tablename__ = "engines"
    __table_args__ = UTF8

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    report: Mapped[dict[str, Any]]
    started_at: Mapped[datetime] = mapped_column(insert_default=now())
    seen_at: Mapped[datetime] = mapped_column(insert_default=now())
