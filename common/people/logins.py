"""Log-ins as rows: one a family of tokens, opened, carried on by refresh tokens, ended."""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, insert, select
from sqlalchemy.orm import Session

from common.callers import Caller
from common.columns import Id
from common.db import execute, now
from common.tables import ApiKey, Login, User

_this = Login.id == bindparam("login", type_=Id)
_later = now(bindparam("window", type_=BigInteger))
_GOOD = (Login.revoked_at.is_(None), Login.expires_at > now())
# Built once: making a statement costs as much as sending it.
OPEN = insert(Login).values(expires_at=_later)
BY_LOGIN = (
    select(User.id, User.name, User.role)
    .join(Login, Login.user_id == User.id)
    .where(_this, *_GOOD, User.id == bindparam("user", type_=Id), User.is_active)
)
BY_KEY = (
    select(User.id, User.name, User.role)
    .join(ApiKey, ApiKey.user_id == User.id)
    .where(
        ApiKey.sha256 == bindparam("digest"),
        ApiKey.expires_at.is_(None) | (ApiKey.expires_at > now()),
        User.is_active,
    )
)


def open_login(session: Session, id: UUID, user_id: UUID, refresh_id: UUID, seconds: int) -> None:
    """Begin a family of tokens that can be carried on for `seconds`."""
    row = {"id": id, "user_id": user_id, "refresh_id": refresh_id, "window": seconds * 1_000_000}
    execute(session, OPEN, row)


def by_login(session: Session, id: UUID, user_id: UUID) -> Caller | None:
    """Whose the log-in is, as the account is now; None when either has ended."""
    row = execute(session, BY_LOGIN, {"login": id, "user": user_id}).first()
    return Caller(row.id, row.name, row.role) if row else None


def by_key(session: Session, digest: bytes) -> Caller | None:
    """Whose the API key of this sha256 is; None when it or the account has ended."""
    row = execute(session, BY_KEY, {"digest": digest}).first()
    return Caller(row.id, row.name, row.role) if row else None
