"""Accounts as rows: opened, found, changed."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from common.accounts.logins import end_others
from common.accounts.names import email_key, name_key
from common.database.session import execute
from common.database.types import Id
from common.errors import Conflict
from common.tables import Role, User

SHOWN = {"name": "name", "email": "e-mail address"}  # fields, in words
# Built once: making a statement costs as much as sending it.
ENTER = insert(User)
_ACCOUNT = select(
    User.id, User.name, User.email, User.password_hash, User.role, User.is_active, User.created_at
)
BY_NAME = _ACCOUNT.where(User.name_key == bindparam("key"))
BY_ID = _ACCOUNT.where(User.id == bindparam("user", type_=Id))
HOLD = select(User.id).where(User.id == bindparam("user", type_=Id)).with_for_update()
TAKEN = select(User.name_key, User.email_key).where(
    (User.name_key == bindparam("name")) | (User.email_key == bindparam("email"))
)
_CHANGE = update(User).where(User.id == bindparam("user", type_=Id))
SET_PASSWORD = _CHANGE.values(password_hash=bindparam("new_hash"))
SET_EMAIL = _CHANGE.values(email=bindparam("new_email"), email_key=bindparam("new_key"))
SET_ROLE = _CHANGE.values(role=bindparam("new_role"))
SET_ACTIVE = _CHANGE.values(is_active=bindparam("is_good"))


def open_account(
    session: Session, id: UUID, name: str, email: str, password_hash: str, role: str = Role.USER
) -> None:
    """Enter an account; raises Conflict when its name or its e-mail address is taken."""
    must_be_free(session, name, email)
    row = {"id": id, "name": name, "name_key": name_key(name), "role": role}
    row |= {"email": email, "email_key": email_key(email), "password_hash": password_hash}
    try:
        execute(session, ENTER, row)
    except IntegrityError as error:  # somebody was faster
        raise _taken("name", "email") from error


def must_be_free(session: Session, name: str, email: str) -> None:
    """Raise Conflict when an account has the name or the e-mail address."""
    keys = {"name": name_key(name), "email": email_key(email)}
    for taken in execute(session, TAKEN, keys):
        raise _taken("name" if taken.name_key == keys["name"] else "email")


def find_by_name(session: Session, name: str) -> Row[Any] | None:
    """The account whose name comes down to the same."""
    return execute(session, BY_NAME, {"key": name_key(name)}).first()


def find(session: Session, id: UUID) -> Row[Any] | None:
    """The account of this id."""
    return execute(session, BY_ID, {"user": id}).first()


def is_stored(session: Session, id: UUID) -> bool | None:
    """True for an account that was committed, after waiting for a transaction that writes it."""
    return True if execute(session, HOLD, {"user": id}).first() else None


def set_password(session: Session, id: UUID, password_hash: str) -> None:
    """Have the account prove itself by another password."""
    execute(session, SET_PASSWORD, {"user": id, "new_hash": password_hash})


def set_email(session: Session, id: UUID, email: str) -> None:
    """Give the account another address; raises Conflict when it is somebody's."""
    about = {"user": id, "new_email": email, "new_key": email_key(email)}
    try:
        execute(session, SET_EMAIL, about)
    except IntegrityError as error:
        raise _taken("email") from error


def set_role(session: Session, id: UUID, role: str) -> None:
    """Give the account another role, which counts from its next request on."""
    execute(session, SET_ROLE, {"user": id, "new_role": role})


def set_active(session: Session, id: UUID, is_active: bool) -> None:
    """Let the account prove itself or not, whatever by; while it may not, its log-ins are ended."""
    execute(session, SET_ACTIVE, {"user": id, "is_good": is_active})
    if not is_active:
        end_others(session, id, None)


def _taken(*fields: str) -> Conflict:
    shown = " or ".join(SHOWN[name] for name in fields)
    return Conflict(
        f"This {shown} is taken.", code="taken", errors={name: ["is taken"] for name in fields}
    )
