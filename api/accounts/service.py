"""Accounts at the edge: opened, shown, changed, closed."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Row
from sqlalchemy.orm import Session

from api.accounts.permissions import me
from api.accounts.schemas import Change, Leave, SignUp
from api.accounts.security_log import security_event
from api.http.idempotency import scope_of
from api.images import service
from api.login import throttle
from api.login.common_passwords import weakness
from api.login.jwt_secret import jwt_secret
from api.login.service import checked
from api.state import app_state, current_login, current_user, read, services, write
from common.accounts import api_keys, logins, queries
from common.accounts.account_deletion import Leaver, forget_some, forget_user
from common.client_networks import network_of
from common.database.ids import new_id, parse_id
from common.errors import Forbidden, InputFault, NotFound, TooManyRequests, Unauthorized
from common.housekeeping import rate_counters
from common.search.feedback.voters import voter_of

SIGN_UP, CHANGE, LEAVE = SignUp(), Change(), Leave()


def sign_up(fields: dict[str, Any]) -> Row[Any]:
    """Open an account; returns its row.

    Raises InputFault; Conflict when its name or address is taken; Forbidden where only admins open
    accounts; TooManyRequests when the network has opened too many; Unavailable while too many
    passwords are being hashed.
    """
    if not services().settings.sign_up:
        raise Forbidden("New accounts are opened by the admins alone.", code="sign_up_off")
    wanted = SIGN_UP.load(fields)
    _check_password(wanted["password"], wanted["name"], wanted["email"])
    write(partial(_may_sign_up, wanted=wanted))
    id, password_hash = new_id(), app_state().passwords.hash(wanted["password"])

    def insert_account(session: Session) -> bool:
        queries.open_account(session, id, wanted["name"], wanted["email"], password_hash)
        return True

    write(insert_account, partial(queries.is_stored, id=id))
    security_event("sign-up", account=id)
    return _account(id)


def _may_sign_up(session: Session, wanted: dict[str, Any]) -> None:
    """Look for the name and address first, and count the network's accounts, both before the
    password is hashed: hashing is what a flood of sign-ups would use up.
    """
    queries.must_be_free(session, wanted["name"], wanted["email"])
    if limit := services().settings.sign_up_limit:
        name = rate_counters.name_of("sign-up", network_of(request.remote_addr or ""))
        counted = rate_counters.add(session, name, limit.seconds, limit.most)
        if not counted.allowed:
            detail = f"Your network may open {limit.most:,} accounts within {limit.seconds:,} s."
            wait = max(1, round(counted.ends_in + 0.5))
            raise TooManyRequests(detail, code="too_many_sign_ups", retry_after=wait)


def _check_password(password: str, *names: str) -> None:
    """Raise InputFault for a password that is among the first to be guessed."""
    if reason := weakness(password, names):
        raise InputFault(reason, code="password_weak", errors={"password": [reason]})


def my_account() -> Row[Any]:
    """The caller's account as a row."""
    return _account(me())


def profile(name: str) -> Row[Any]:
    """The row of the account of this name. Raises NotFound when there is none, or when it is
    disabled and the caller is no admin.
    """
    found = read(partial(queries.find_by_name, name=name))
    if found is None or not (found.is_active or current_user().is_admin):
        raise NotFound("There is no such user.", code="user_not_found")
    return found


def change(fields: dict[str, Any]) -> Row[Any]:
    """Give the caller's account another address or password. A new password ends all other log-ins
    and, unless `keep_keys` is set, deletes all API keys.

    Raises InputFault without the right current password, TooManyRequests after too many wrong ones,
    Conflict when the address is taken.
    """
    account, wanted = my_account(), CHANGE.load(fields)
    new_hash = None
    if "current_password" in wanted:
        _prove(account, wanted["current_password"], "current_password")
    if "password" in wanted:
        _check_password(wanted["password"], account.name, wanted.get("email", account.email))
        new_hash = app_state().passwords.hash(wanted["password"])

    def apply_changes(session: Session) -> None:
        if "email" in wanted:
            queries.set_email(session, account.id, wanted["email"])
        if new_hash:
            queries.set_password(session, account.id, new_hash)
            logins.end_others(session, account.id, current_login())
            if not wanted["keep_keys"]:
                api_keys.remove_all(session, account.id)

    write(apply_changes)
    for changed in wanted.keys() & {"email", "password"}:
        security_event(f"{changed} changed", account=account.id)
    return my_account()


def my_logins() -> list[dict[str, Any]]:
    """The caller's log-ins, the newest first; `current` marks the one that asks."""
    rows = read(partial(logins.of_user, user_id=me()))
    return [{**row._mapping, "current": row.id == current_login()} for row in rows]


def end_login(id: str) -> None:
    """End a log-in of the caller's; raises NotFound when they have no such log-in."""
    owner, login = me(), parse_id(id)
    ended = login and write(partial(logins.end_one, id=login, user_id=owner))
    if not ended:
        raise NotFound("You have no such log-in.", code="login_not_found")
    security_event("log-in ended", account=owner, login=login)


def leave(fields: dict[str, Any]) -> None:
    """Close the caller's account; raises what `change` raises for its password."""
    account, wanted = my_account(), LEAVE.load(fields)
    _prove(account, wanted["password"], "password")
    secret = jwt_secret(services().settings).encode()
    who = Leaver(account.id, voter_of(secret, account.id, ""), scope_of(account.id, ""))
    _forget_rows(who)
    write(partial(forget_user, who=who))
    _forget_rows(who)  # what came in between


def _forget_rows(who: Leaver) -> None:
    """Remove what belongs to an account, in many small transactions."""
    service.remove_all_of(who.id)
    while write(partial(forget_some, who=who)):
        pass


def _prove(account: Row[Any], password: str, field: str) -> None:
    """Raise InputFault unless the password is the account's: a token alone may be stolen."""
    who = {"account": account.name, "address": request.remote_addr or ""}
    write(partial(throttle.take, **who))
    if not checked(account.password_hash, password, who):
        detail = "This is not the account's password."
        raise InputFault(detail, code="password_wrong", errors={field: [detail]})
    write(partial(throttle.forgive, **who))


def _account(id: UUID) -> Row[Any]:
    if (found := _find(id)) is None:
        raise Unauthorized("This account no longer exists.")
    return found


def _find(id: UUID) -> Row[Any] | None:
    return read(partial(queries.find, id=id))
