"""Rows of log-ins, each with a family of tokens: opening, rotating refresh tokens, ending."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, insert, select, update
from sqlalchemy.orm import Session

from common.callers import Caller
from common.database.ids import FIRST_ID
from common.database.rows import rows_as
from common.database.session import execute, now
from common.database.types import Id
from common.tables import Login, User

GRACE = 60  # seconds in which the same client may send a refresh token again
OF_USER_AT_MOST = 100  # log-ins that are listed

_this = Login.id == bindparam("login", type_=Id)
_later = now(bindparam("window", type_=BigInteger))
_GOOD = (_this, Login.revoked_at.is_(None), Login.expires_at > now())

OPEN = insert(Login).values(expires_at=_later)
BY_LOGIN = (
    select(User.id, User.name, User.role)
    .join(Login, Login.user_id == User.id)
    .where(*_GOOD, User.id == bindparam("user", type_=Id), User.is_active)
)
_active = select(User.id).where(User.id == Login.user_id, User.is_active).exists()
_HELD = (*_GOOD, Login.user_id == bindparam("user", type_=Id), _active)
ROTATE = (
    update(Login)
    .where(*_HELD, Login.refresh_id == bindparam("old", type_=Id))
    .values(
        refresh_id=bindparam("new", type_=Id),
        former_refresh_id=bindparam("old", type_=Id),
        refreshed_at=now(),
        refreshed_from=bindparam("network"),
        expires_at=_later,
    )
)
SHARED = select(Login.refresh_id).where(
    *_HELD,
    Login.former_refresh_id == bindparam("old", type_=Id),
    Login.refreshed_from == bindparam("network"),
    Login.refreshed_at > now(-GRACE),
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
END_ONE = END.where(Login.user_id == bindparam("user", type_=Id))
BEGUN = select(Login.created_at, now().label("clock")).where(_this)
OF_USER = (
    select(Login.id, Login.created_at, Login.refreshed_at, Login.expires_at)
    .where(
        Login.user_id == bindparam("user", type_=Id),
        Login.revoked_at.is_(None),
        Login.expires_at > now(),
    )
    .order_by(Login.id.desc())
    .limit(OF_USER_AT_MOST)
)
REFRESH_ID = select(Login.refresh_id).where(_this).with_for_update()


class LoginRecord(NamedTuple):
    """A log-in of an account."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime | None
    expires_at: datetime


class Turn(NamedTuple):
    """The replacement of the refresh token `old` by `new`, requested from a network."""

    login: UUID
    user: UUID
    old: UUID
    new: UUID
    network: bytes  # sha256


def open_login(session: Session, id: UUID, user_id: UUID, refresh_id: UUID, seconds: int) -> None:
    """Insert a log-in whose refresh token is valid for `seconds`."""
    row = {"id": id, "user_id": user_id, "refresh_id": refresh_id, "window": seconds * 1_000_000}
    execute(session, OPEN, row)


def rotate(session: Session, turn: Turn, seconds: int, longest: int) -> UUID | None:
    """Replace a refresh token; returns the id of the valid one, which expires after `seconds`, or
    at the latest `longest` seconds after the log-in began.

    If the same network sends `old` again within GRACE seconds, the valid one is the token that
    replaced it. Returns None if the account or the log-in has ended. If `old` was replaced earlier,
    another party has a copy of it; then the log-in is ended, and None is returned.
    """
    parameters = {"login": turn.login, "user": turn.user, "old": turn.old, "network": turn.network}
    window = min(seconds, longest - age(session, turn.login))
    new = {"new": turn.new, "window": window * 1_000_000}
    if window > 0 and execute(session, ROTATE, parameters | new).rowcount:
        return turn.new
    if window > 0 and (shared := execute(session, SHARED, parameters).scalar()):
        replacement: UUID = shared
        return replacement
    end(session, turn.login)
    return None


def age(session: Session, id: UUID) -> int:
    """Return the whole seconds since the log-in began; 0 if it does not exist."""
    row = execute(session, BEGUN, {"login": id}).first()
    return int((row.clock - row.created_at).total_seconds()) if row else 0


def of_user(session: Session, user_id: UUID) -> list[LoginRecord]:
    """Return the account's valid log-ins, the newest first, up to OF_USER_AT_MOST."""
    return rows_as(LoginRecord, execute(session, OF_USER, {"user": user_id}))


def end_one(session: Session, id: UUID, user_id: UUID) -> bool:
    """End a log-in of the account; False if it has no such log-in."""
    return bool(execute(session, END_ONE, {"login": id, "user": user_id}).rowcount)


def end(session: Session, id: UUID) -> None:
    """End the log-in, which invalidates all its tokens."""
    execute(session, END, {"login": id})


def end_others(session: Session, user_id: UUID, id: UUID | None) -> None:
    """End all log-ins of the account except `id`; None: all of them."""
    execute(session, END_OTHERS, {"user": user_id, "login": id or FIRST_ID})


def rotated(session: Session, turn: Turn) -> UUID | None:
    """Return the new refresh token's id if the transaction of `rotate` was committed, else None;
    waits while that transaction is in progress.
    """
    row = execute(session, REFRESH_ID, {"login": turn.login}).first()
    return turn.new if row and row.refresh_id == turn.new else None


def by_login(session: Session, id: UUID, user_id: UUID) -> Caller | None:
    """Return the log-in's account with its current role; None if the log-in has ended or the
    account is disabled.
    """
    row = execute(session, BY_LOGIN, {"login": id, "user": user_id}).first()
    return Caller(row.id, row.name, row.role) if row else None
