"""Rows of accounts: inserting, finding and changing them."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.accounts.logins import end_others
from common.accounts.names import email_key, name_key
from common.database.rows import first_as
from common.database.session import execute
from common.database.types import Id
from common.errors import Conflict
from common.tables import Role, User

FIELD_NAMES = {"name": "name", "email": "e-mail address"}  # for messages
_ACCOUNT = select(
    User.id, User.name, User.email, User.password_hash, User.role, User.is_active, User.created_at
)
# Executed for each log-in and for each request about the caller's account.
BY_NAME = _ACCOUNT.where(User.name_key == bindparam("key"))
BY_ID = _ACCOUNT.where(User.id == bindparam("user", type_=Id))


class AccountRecord(NamedTuple):
    """An account."""

    id: UUID
    name: str
    email: str
    password_hash: str
    role: str
    is_active: bool
    created_at: datetime


def open_account(
    session: Session, id: UUID, name: str, email: str, password_hash: str, role: str = Role.USER
) -> None:
    """Insert an account; raises Conflict if its name or e-mail address is taken."""
    must_be_free(session, name, email)
    row = {"id": id, "name": name, "name_key": name_key(name), "role": role}
    row |= {"email": email, "email_key": email_key(email), "password_hash": password_hash}
    try:
        execute(session, insert(User), row)
    except IntegrityError as error:  # another request has just inserted it
        raise _taken("name", "email") from error


def must_be_free(session: Session, name: str, email: str) -> None:
    """Raise Conflict if an account has the name or the e-mail address."""
    key = name_key(name)
    same = (User.name_key == key) | (User.email_key == email_key(email))
    for taken in execute(session, select(User.name_key).where(same)):
        raise _taken("name" if taken.name_key == key else "email")


def find_by_name(session: Session, name: str) -> AccountRecord | None:
    """Return the account whose name has the same key; None if it does not exist."""
    return first_as(AccountRecord, execute(session, BY_NAME, {"key": name_key(name)}))


def find_by_id(session: Session, id: UUID) -> AccountRecord | None:
    """Return the account with this id; None if it does not exist."""
    return first_as(AccountRecord, execute(session, BY_ID, {"user": id}))


def is_stored(session: Session, id: UUID) -> bool | None:
    """Return True if the account was committed, else None; waits while the transaction that inserts
    it is in progress.
    """
    row = select(User.id).where(User.id == id).with_for_update()
    return True if execute(session, row).first() else None


def set_password(session: Session, id: UUID, password_hash: str) -> None:
    """Replace the account's password hash."""
    _change(session, id, password_hash=password_hash)


def set_email(session: Session, id: UUID, email: str) -> None:
    """Replace the account's e-mail address; raises Conflict if another account has it."""
    try:
        _change(session, id, email=email, email_key=email_key(email))
    except IntegrityError as error:
        raise _taken("email") from error


def set_role(session: Session, id: UUID, role: str) -> None:
    """Replace the account's role, which applies from its next request on."""
    _change(session, id, role=role)


def set_active(session: Session, id: UUID, is_active: bool) -> None:
    """Enable or disable the account; disabling ends its log-ins and makes its credentials
    invalid.
    """
    _change(session, id, is_active=is_active)
    if not is_active:
        end_others(session, id, None)


def _change(session: Session, id: UUID, **values: Any) -> None:
    execute(session, update(User).where(User.id == id).values(values))


def _taken(*fields: str) -> Conflict:
    names = " or ".join(FIELD_NAMES[name] for name in fields)
    return Conflict(
        f"This {names} is taken.", code="taken", errors={name: ["is taken"] for name in fields}
    )
