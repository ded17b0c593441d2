"""Personal API keys as rows: made, listed, deleted, and whose one is."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from common.callers import Caller
from common.database.session import execute, now
from common.database.types import Id
from common.errors import Conflict, Unauthorized
from common.tables import ApiKey, User

PREFIX = "aft_"
KEY_BYTES = 32
HINT = 12  # characters of a key by which its owner can tell it
MOST = 100  # keys of an account
USED_EVERY = 60  # seconds within which the time of use is not written again

_k = ApiKey
_user = bindparam("user", type_=Id)
_this = _k.id == bindparam("key", type_=Id)
_unnoted = _k.used_at.is_(None) | (_k.used_at < now(-USED_EVERY))
# Built once: making a statement costs as much as sending it.
HOLD = select(User.id).where(User.id == _user).with_for_update()
COUNT = select(func.count()).select_from(_k).where(_k.user_id == _user)
ENTER = insert(_k)
_SHOWN = select(_k.id, _k.name, _k.hint, _k.created_at, _k.used_at, _k.expires_at)
BY_ID = _SHOWN.where(_this)
OF_USER = (
    _SHOWN.where(_k.user_id == _user, _k.id < bindparam("before", type_=Id))
    .order_by(_k.id.desc())
    .limit(bindparam("most"))
)
DELETE = delete(_k).where(_this, _k.user_id == _user)
_is_unnoted = case((_unnoted, 1), else_=0).label("is_unnoted")
OWNER = (
    select(User.id, User.name, User.role, _k.id.label("key_id"), _is_unnoted)
    .join(_k, _k.user_id == User.id)
    .where(
        _k.sha256 == bindparam("digest"),
        _k.expires_at.is_(None) | (_k.expires_at > now()),
        User.is_active,
    )
)
NOTE_USE = update(_k).where(_this, _unnoted).values(used_at=now())


def new_key() -> str:
    """A key that nobody can guess."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


def digest_of(key: str) -> bytes:
    """What is kept of a key. Its 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def enter(
    session: Session, id: UUID, user_id: UUID, name: str, key: str, expires_at: datetime | None
) -> None:
    """Let the key be good for the account; raises Conflict when it has too many,
    Unauthorized when it is gone.
    """
    if not execute(session, HOLD, {"user": user_id}).first():
        raise Unauthorized("This account is no more.")
    if (session.scalar(COUNT, {"user": user_id}) or 0) >= MOST:
        raise Conflict(f"An account has at most {MOST} keys; delete one.", code="too_many_keys")
    row = {"id": id, "user_id": user_id, "name": name, "hint": key[:HINT]}
    execute(session, ENTER, row | {"sha256": digest_of(key), "expires_at": expires_at})


def of_user(session: Session, user_id: UUID, before: UUID, limit: int) -> Sequence[Row[Any]]:
    """The account's keys, the newest first."""
    return execute(session, OF_USER, {"user": user_id, "before": before, "most": limit}).all()


def remove(session: Session, id: UUID, user_id: UUID) -> bool:
    """Let the key be good no more; False when the account has no such key."""
    return bool(execute(session, DELETE, {"key": id, "user": user_id}).rowcount)


def remove_all(session: Session, user_id: UUID) -> None:
    """Delete all keys of the account."""
    execute(session, delete(_k).where(_k.user_id == user_id))


def find(session: Session, id: UUID) -> Row[Any] | None:
    """The key of this id, as `of_user` gives it."""
    return execute(session, BY_ID, {"key": id}).first()


def owner_of(session: Session, key: str) -> tuple[Caller, UUID | None] | None:
    """Whose the key is, and its id when its use should be noted; None when it is not good."""
    row = execute(session, OWNER, {"digest": digest_of(key)}).first()
    if row is None:
        return None
    return Caller(row.id, row.name, row.role), row.key_id if row.is_unnoted else None


def note_use(session: Session, id: UUID) -> None:
    """Note that the key is being used."""
    execute(session, NOTE_USE, {"key": id})
