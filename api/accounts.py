"""Accounts at the edge: opened, shown."""

from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from api.context import current_user, edge, services
from api.schemas.accounts import SignUp
from common.db import CommitUnknown, read, transact
from common.errors import Forbidden, Unauthorized
from common.ids import new_id
from common.people import accounts

SIGN_UP = SignUp()


def sign_up(fields: dict[str, Any]) -> Row[Any] | None:
    """Open an account; returns its row.

    Raises InputFault, Conflict when its name or address is taken, Forbidden where nobody may.
    """
    if not services().settings.sign_up:
        raise Forbidden("New accounts are opened by the admins alone.", code="sign_up_off")
    wanted = SIGN_UP.load(fields)
    id, password_hash = new_id(), edge().passwords.hash(wanted["password"])

    def enter(session: Session) -> None:
        accounts.open_account(session, id, wanted["name"], wanted["email"], password_hash)

    try:
        transact(services().sessions, enter)
    except CommitUnknown:
        if _find(id) is None:
            raise
    return _find(id)


def me() -> UUID:
    """The caller's account; raises Unauthorized for an anonymous one."""
    if (id := current_user().id) is None:
        raise Unauthorized("Sign in for this.", code="token_missing")
    return id


def my_account() -> Row[Any]:
    """The caller's account as a row."""
    if (found := _find(me())) is None:
        raise Unauthorized("This account is no more.")
    return found


def _find(id: UUID) -> Row[Any] | None:
    return read(services().sessions, partial(accounts.find, id=id))
