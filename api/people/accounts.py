"""Accounts at the edge: opened, shown, changed, closed."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Row
from sqlalchemy.orm import Session

from api import my_images
from api.context import current_login, edge, services
from api.idempotency import scope_of
from api.people import throttle
from api.people.secret import jwt_secret
from api.people.signed_in import me
from api.schemas.accounts import Change, Leave, SignUp
from common.db import read, transact
from common.errors import Forbidden, InputFault, NotFound, Unauthorized
from common.feedback.voters import voter_of
from common.ids import new_id
from common.people import accounts, logins
from common.people.leaving import Leaver, forget_some, forget_user

SIGN_UP, CHANGE, LEAVE = SignUp(), Change(), Leave()


def sign_up(fields: dict[str, Any]) -> Row[Any]:
    """Open an account; returns its row.

    Raises InputFault, Conflict when its name or address is taken, Forbidden where nobody may.
    """
    if not services().settings.sign_up:
        raise Forbidden("New accounts are opened by the admins alone.", code="sign_up_off")
    wanted = SIGN_UP.load(fields)
    id, password_hash = new_id(), edge().passwords.hash(wanted["password"])

    def enter(session: Session) -> bool:
        accounts.open_account(session, id, wanted["name"], wanted["email"], password_hash)
        return True

    transact(services().sessions, enter, partial(accounts.is_stored, id=id))
    return _account(id)


def my_account() -> Row[Any]:
    """The caller's account as a row."""
    return _account(me())


def profile(name: str) -> Row[Any]:
    """The account of this name, of which others see a little; raises NotFound."""
    found = read(services().sessions, partial(accounts.find_by_name, name=name))
    if found is None or not found.is_active:
        raise NotFound("There is no such user.", code="user_not_found")
    return found


def change(fields: dict[str, Any]) -> Row[Any]:
    """Give the caller's account another address or password; the latter ends all other log-ins.

    Raises InputFault without the right current password, TooManyRequests after too many wrong ones,
    Conflict when the address is taken.
    """
    account, wanted = my_account(), CHANGE.load(fields)
    new_hash = None
    if "password" in wanted:
        _prove(account, wanted["current_password"], "current_password")
        new_hash = edge().passwords.hash(wanted["password"])

    def write(session: Session) -> None:
        if "email" in wanted:
            accounts.set_email(session, account.id, wanted["email"])
        if new_hash:
            accounts.set_password(session, account.id, new_hash)
            logins.end_others(session, account.id, current_login())

    transact(services().sessions, write)
    return my_account()


def leave(fields: dict[str, Any]) -> None:
    """Close the caller's account; raises what `change` raises for its password."""
    account, wanted = my_account(), LEAVE.load(fields)
    _prove(account, wanted["password"], "password")
    secret = jwt_secret(services().settings).encode()
    who = Leaver(account.id, voter_of(secret, account.id, ""), scope_of(account.id, ""))
    _forget_rows(who)
    transact(services().sessions, partial(forget_user, who=who))
    _forget_rows(who)  # what came in between


def _forget_rows(who: Leaver) -> None:
    """Remove what belongs to an account, in many small transactions."""
    my_images.remove_all_of(who.id)
    while transact(services().sessions, partial(forget_some, who=who)):
        pass


def _prove(account: Row[Any], password: str, field: str) -> None:
    """A token may be stolen: whoever takes an account away from somebody has its password."""
    who = {"account": account.name, "address": request.remote_addr or ""}
    transact(services().sessions, partial(throttle.take, **who))
    if not edge().passwords.matches(account.password_hash, password):
        detail = "This is not the account's password."
        raise InputFault(detail, code="password_wrong", errors={field: [detail]})
    transact(services().sessions, partial(throttle.forgive, **who))


def _account(id: UUID) -> Row[Any]:
    if (found := _find(id)) is None:
        raise Unauthorized("This account is no more.")
    return found


def _find(id: UUID) -> Row[Any] | None:
    return read(services().sessions, partial(accounts.find, id=id))
