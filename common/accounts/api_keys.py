"""Rows of personal API keys: inserting, listing, deleting, and finding the account of a key."""

import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from common.callers import Caller
from common.database.rows import first_as, rows_as
from common.database.session import execute, now
from common.database.types import Id
from common.errors import Conflict, Unauthorized
from common.tables import ApiKey, User

PREFIX = "aft_"
KEY_BYTES = 32
HINT = 12  # first characters of a key, by which its owner recognizes it
MOST = 100  # keys of an account
USED_EVERY = 60  # seconds within which the time of use is not updated again

_k = ApiKey
_COLUMNS = (_k.id, _k.name, _k.hint, _k.created_at, _k.used_at, _k.expires_at)
_unnoted = _k.used_at.is_(None) | (_k.used_at < now(-USED_EVERY))
_is_unnoted = case((_unnoted, 1), else_=0).label("is_unnoted")
# Both run for each request with a key.
OWNER = (
    select(User.id, User.name, User.role, _k.id.label("key_id"), _is_unnoted)
    .join(_k, _k.user_id == User.id)
    .where(
        _k.sha256 == bindparam("digest"),
        _k.expires_at.is_(None) | (_k.expires_at > now()),
        User.is_active,
    )
)
NOTE_USE = update(_k).where(_k.id == bindparam("key", type_=Id), _unnoted).values(used_at=now())


class ApiKeyRecord(NamedTuple):
    """An API key as its owner sees it; `hint` is how the key begins."""

    id: UUID
    name: str
    hint: str
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime | None


def new_key() -> str:
    """Return a new random key."""
    return PREFIX + secrets.token_urlsafe(KEY_BYTES)


def digest_of(key: str) -> bytes:
    """Return the sha256 that is stored of a key; its 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def insert_key(
    session: Session, id: UUID, user_id: UUID, name: str, key: str, expires_at: datetime | None
) -> None:
    """Insert a key of the account. Raises Conflict if the account has too many keys, Unauthorized
    if it no longer exists.
    """
    if not execute(session, select(User.id).where(User.id == user_id).with_for_update()).first():
        raise Unauthorized("This account no longer exists.")
    count = select(func.count()).select_from(_k).where(_k.user_id == user_id)
    if (session.scalar(count) or 0) >= MOST:
        raise Conflict(f"An account has at most {MOST} keys; delete one.", code="too_many_keys")
    row = {"id": id, "user_id": user_id, "name": name, "hint": key[:HINT]}
    execute(session, insert(_k), row | {"sha256": digest_of(key), "expires_at": expires_at})


def of_user(session: Session, user_id: UUID, before: UUID, limit: int) -> list[ApiKeyRecord]:
    """Return up to `limit` of the account's keys with ids below `before`, the newest first."""
    keys = select(*_COLUMNS).where(_k.user_id == user_id, _k.id < before)
    return rows_as(ApiKeyRecord, execute(session, keys.order_by(_k.id.desc()).limit(limit)))


def remove(session: Session, id: UUID, user_id: UUID) -> bool:
    """Delete a key of the account; False if the account has no such key."""
    return bool(execute(session, delete(_k).where(_k.id == id, _k.user_id == user_id)).rowcount)


def remove_all(session: Session, user_id: UUID) -> None:
    """Delete all keys of the account."""
    execute(session, delete(_k).where(_k.user_id == user_id))


def find_key(session: Session, id: UUID) -> ApiKeyRecord | None:
    """Return the key with this id, with the columns of `of_user`; None if it does not exist."""
    return first_as(ApiKeyRecord, execute(session, select(*_COLUMNS).where(_k.id == id)))


def owner_of(session: Session, key: str) -> tuple[Caller, UUID | None] | None:
    """Return the account of a key, and the key's id if its time of use must be updated; None if the
    key is invalid or expired, or its account is disabled.
    """
    row = execute(session, OWNER, {"digest": digest_of(key)}).first()
    if row is None:
        return None
    return Caller(row.id, row.name, row.role), row.key_id if row.is_unnoted else None


def note_use(session: Session, id: UUID) -> None:
    """Set the key's time of use, unless it was set within USED_EVERY seconds."""
    execute(session, NOTE_USE, {"key": id})
