"""Tables of accounts, their credentials, and the counters of rate limits and quotas."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, true
from sqlalchemy.orm import Mapped, mapped_column

from common.database.session import now
from common.database.types import Hash
from common.tables.base import UTF8, Base, Role


class User(Base):
    """An account. `name_key` and `email_key` are unique; they hold the name and the address after
    NFKC normalization and case folding, without white space (the address: without it at the ends).
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_name_key", "name_key", unique=True),
        Index("uq_users_email_key", "email_key", unique=True),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    name_key: Mapped[str] = mapped_column(String(160))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254))
    password_hash: Mapped[str] = mapped_column(String(255))  # Argon2id, PHC string
    role: Mapped[str] = mapped_column(String(8), default=Role.USER)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(insert_default=now())


class Login(Base):
    """One log-in: a session of an account with its family of tokens.

    `refresh_id` is the `jti` of the only valid refresh token. If an older one is used, two parties
    have a copy of it, so the whole family is revoked. The one exception: for a short time, the
    client that has just replaced `former_refresh_id`, recognized by its network, may send it again.
    Access tokens carry the family's id, so that a log-out ends them too.
    """

    __tablename__ = "logins"
    __table_args__ = (
        Index("ix_logins_user_id", "user_id"),
        Index("ix_logins_expires_at", "expires_at"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    refresh_id: Mapped[UUID]
    former_refresh_id: Mapped[UUID | None]
    refreshed_at: Mapped[datetime | None]
    refreshed_from: Mapped[bytes | None] = mapped_column(Hash)  # sha256 of the network
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiKey(Base):
    """A personal API key: shown once and stored as its sha256. `hint` holds its first characters,
    by which its owner recognizes it.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("uq_api_keys_sha256", "sha256", unique=True),
        Index("ix_api_keys_user_id", "user_id"),
        UTF8,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(String(100))
    hint: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[bytes] = mapped_column(Hash)
    created_at: Mapped[datetime] = mapped_column(insert_default=now())
    used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Counter(Base):
    """A count of failed log-ins, requests, uploads or others within a window of time.

    `name` is the sha256 of what is counted and of the caller, so that no address is stored.
    """

    __tablename__ = "counters"
    __table_args__ = (Index("ix_counters_ends_at", "ends_at"), UTF8)

    name: Mapped[bytes] = mapped_column(Hash, primary_key=True)
    ends_at: Mapped[datetime]  # of the window; the next one begins at zero
    count: Mapped[int] = mapped_column(BigInteger)
