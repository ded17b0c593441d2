"""Log-ins as rows: each is a family of tokens, opened, continued by refresh tokens, ended."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from common.callers import Caller
from common.database.ids import FIRST_ID
from common.database.session import execute, now
from common.database.types import Id
from common.tables import Login, User

GRACE = 60  # seconds in which the same client may send a refresh token again
OF_USER_AT_MOST = 100  # log-ins that are listed

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


class Turn(NamedTuple):
    """The replacement of the refresh token `old` by `new`, asked for from a network."""

    login: UUID
    user: UUID
    old: UUID
    new: UUID
    network: bytes  # sha256


def open_login(session: Session, id: UUID, user_id: UUID, refresh_id: UUID, seconds: int) -> None:
    """Begin a family of tokens that can be carried on for `seconds`."""
    row = {"id": id, "user_id": user_id, "refresh_id": refresh_id, "window": seconds * 1_000_000}
    execute(session, OPEN, row)


def rotate(session: Session, turn: Turn, seconds: int, longest: int) -> UUID | None:
    """Replace a refresh token; returns the id of the one that is valid now, for `seconds` more but
    not beyond `longest` seconds after the log-in began.

    That is the one that replaced `old` already, when the same network sent `old` again within GRACE
    seconds. None when the account or the log-in has ended, or when `old` was replaced before:
    another party has a copy of it, so the log-in is ended.
    """
    about = {"login": turn.login, "user": turn.user, "old": turn.old, "network": turn.network}
    window = min(seconds, longest - age(session, turn.login))
    following = {"new": turn.new, "window": window * 1_000_000}
    if window > 0 and execute(session, ROTATE, about | following).rowcount:
        return turn.new
    if window > 0 and (shared := execute(session, SHARED, about).scalar()):
        found: UUID = shared
        return found
    end(session, turn.login)
    return None


def age(session: Session, id: UUID) -> int:
    """Whole seconds since the log-in began; 0 for one that does not exist."""
    row = execute(session, BEGUN, {"login": id}).first()
    return int((row.clock - row.created_at).total_seconds()) if row else 0


def of_user(session: Session, user_id: UUID) -> Sequence[Row[Any]]:
    """The log-ins of the account that are valid now, the newest first."""
    return execute(session, OF_USER, {"user": user_id}).all()


def end_one(session: Session, id: UUID, user_id: UUID) -> bool:
    """End a log-in of the account; False when it has no such log-in."""
    return bool(execute(session, END_ONE, {"login": id, "user": user_id}).rowcount)


def end(session: Session, id: UUID) -> None:
    """Let no token of this log-in be good any more."""
    execute(session, END, {"login": id})


def end_others(session: Session, user_id: UUID, id: UUID | None) -> None:
    """End all log-ins of the account but this one."""
    execute(session, END_OTHERS, {"user": user_id, "login": id or FIRST_ID})


def rotated(session: Session, turn: Turn) -> UUID | None:
    """The id of the new refresh token if `rotate` was committed; waits while it is undecided."""
    row = execute(session, REFRESH_ID, {"login": turn.login}).first()
    return turn.new if row and row.refresh_id == turn.new else None


def by_login(session: Session, id: UUID, user_id: UUID) -> Caller | None:
    """Whose the log-in is, as the account is now; None when either has ended."""
    row = execute(session, BY_LOGIN, {"login": id, "user": user_id}).first()
    return Caller(row.id, row.name, row.role) if row else None
