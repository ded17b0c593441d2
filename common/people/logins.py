"""Log-ins as rows: one a family of tokens, opened, carried on by refresh tokens, ended."""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, insert, select, update
from sqlalchemy.orm import Session

from common.callers import Caller
from common.columns import Id
from common.db import execute, now
from common.ids import FIRST_ID
from common.tables import Login, User

_this = Login.id == bindparam("login", type_=Id)
_later = now(bindparam("window", type_=BigInteger))
_GOOD = (_this, Login.revoked_at.is_(None), Login.expires_at > now())
# Built once: making a statement costs as much as sending it.
OPEN = insert(Login).values(expires_at=_later)
BY_LOGIN = (
    select(User.id, User.name, User.role)
    .join(Login, Login.user_id == User.id)
    .where(*_GOOD, User.id == bindparam("user", type_=Id), User.is_active)
)
_active = select(User.id).where(User.id == Login.user_id, User.is_active).exists()
ROTATE = (
    update(Login)
    .where(
        *_GOOD,
        Login.user_id == bindparam("user", type_=Id),
        Login.refresh_id == bindparam("old", type_=Id),
        _active,
    )
    .values(refresh_id=bindparam("new", type_=Id), expires_at=_later)
)
END = update(Login).where(_this, Login.revoked_at.is_(None)).values(revoked_at=now())
END_OTHERS = (
    update(Login)
    .where(
        Login.user_id == bindparam("user", type_=Id),
        Login.id != bindparam("login", type_=Id),
        Login.revoked_at.is_(None),
    )
    .values(revoked_at=now())
)
REFRESH_ID = select(Login.refresh_id).where(_this).with_for_update()


def open_login(session: Session, id: UUID, user_id: UUID, refresh_id: UUID, seconds: int) -> None:
    """Begin a family of tokens that can be carried on for `seconds`."""
    row = {"id": id, "user_id": user_id, "refresh_id": refresh_id, "window": seconds * 1_000_000}
    execute(session, OPEN, row)


def rotate(session: Session, id: UUID, user_id: UUID, old: UUID, new: UUID, seconds: int) -> bool:
    """Let the refresh token `new` follow `old`, for `seconds` more. False when that may not be: the
    account or the log-in has ended, or `old` was followed before. Then somebody has a token that is
    not theirs, and nobody can tell who: the log-in is ended.
    """
    about = {"login": id, "user": user_id, "old": old, "new": new, "window": seconds * 1_000_000}
    if execute(session, ROTATE, about).rowcount:
        return True
    end(session, id)
    return False


def end(session: Session, id: UUID) -> None:
    """Let no token of this log-in be good any more."""
    execute(session, END, {"login": id})


def end_others(session: Session, user_id: UUID, id: UUID | None) -> None:
    """End all log-ins of the account but this one."""
    execute(session, END_OTHERS, {"user": user_id, "login": id or FIRST_ID})


def is_rotated(session: Session, id: UUID, new: UUID) -> bool | None:
    """True when the log-in's refresh token is `new`, after waiting for a transaction that writes
    the log-in.
    """
    row = execute(session, REFRESH_ID, {"login": id}).first()
    return True if row and row.refresh_id == new else None


def by_login(session: Session, id: UUID, user_id: UUID) -> Caller | None:
    """Whose the log-in is, as the account is now; None when either has ended."""
    row = execute(session, BY_LOGIN, {"login": id, "user": user_id}).first()
    return Caller(row.id, row.name, row.role) if row else None
