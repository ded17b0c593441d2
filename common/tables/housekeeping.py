"""Tables of the service itself: webhook deliveries and secrets, idempotency keys, job locks, drift
samples and running engines.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from common.database.session import now
from common.database.types import Hash
from common.tables.base import UTF8, Base


class WebhookDelivery(Base):
    """A message to a webhook, inserted by the transaction that finishes the prediction.

    `state` is pending, delivered, failed (all attempts were used) or disabled (the receiver
    answered 410 Gone). `next_attempt_at` is NULL unless the state is pending, so its index holds
    pending deliveries only. `forget_at` is NULL while the state is pending; at that time the URL is
    erased, here and in the prediction's row, and the message can no longer be sent again.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("ix_webhook_deliveries_next_attempt_at", "next_attempt_at"),
        Index("ix_webhook_deliveries_forget_at", "forget_at"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
        UTF8,
    )

    prediction_id: Mapped[UUID] = mapped_column(ForeignKey("predictions.id"), primary_key=True)
    owner_id: Mapped[UUID | None]  # of the prediction; NULL: an anonymous caller
    url: Mapped[str | None] = mapped_column(String(2000))  # NULL: erased
    state: Mapped[str] = mapped_column(String(10), default="pending")
    attempts: Mapped[int] = mapped_column(default=0)  # since it became pending; shown to callers
    fence: Mapped[int] = mapped_column(default=0, server_default="0")  # fencing token: only rises
    next_attempt_at: Mapped[datetime | None]
    status_code: Mapped[int | None]  # of the last attempt
    error: Mapped[str | None] = mapped_column(String(255))  # of the last attempt
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    delivered_at: Mapped[datetime | None]
    forget_at: Mapped[datetime | None]


class WebhookSecret(Base):
    """A signing secret of the service; two are valid while one replaces the other."""

    __tablename__ = "webhook_secrets"
    __table_args__ = UTF8

    id: Mapped[UUID] = mapped_column(primary_key=True)
    secret: Mapped[str] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    retires_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """A caller's Idempotency-Key with the request that was sent with it, and the answer."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        Index("ix_idempotency_keys_created_at", "created_at"),
        Index("ix_idempotency_keys_image_id", "image_id"),
        UTF8,
    )

    scope: Mapped[bytes] = mapped_column(Hash, primary_key=True)  # the caller
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[bytes] = mapped_column(Hash)
    image_id: Mapped[UUID]  # for a batch: the batch's id
    prediction_ids: Mapped[list[Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any] | None]  # status, headers, body; NULL until it was sent
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class JobLock(Base):
    """A recurring job of the housekeepers: the process that moves `due_at` ahead runs it.

    `progress` is the id up to which a job that walks a table has worked.
    """

    __tablename__ = "chores"
    __table_args__ = UTF8

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    due_at: Mapped[datetime]
    progress: Mapped[UUID | None]


class DriftSample(Base):
    """A histogram of a feature of a model's images in one hour: the number of images per bin."""

    __tablename__ = "drift_samples"
    __table_args__ = UTF8

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(255), primary_key=True)
    feature: Mapped[str] = mapped_column(String(16), primary_key=True)
    counts: Mapped[dict[str, Any]]


class EngineProcess(Base):
    """A running engine. Its heartbeat, `seen_at`, distinguishes dead from busy lease owners."""

    __tablename__ = "engines"
    __table_args__ = UTF8

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255))
    report: Mapped[dict[str, Any]]
    started_at: Mapped[datetime] = mapped_column(insert_default=now())
    seen_at: Mapped[datetime] = mapped_column(insert_default=now())
