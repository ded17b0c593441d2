"""Sign up, show, change and close accounts; list and end log-ins."""

from functools import partial
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from api.accounts.permissions import require_account, user_not_found
from api.accounts.schemas import AccountChange, AccountClosing, SignUp
from api.accounts.security_log import security_event
from api.http.idempotency import scope_of
from api.images import service as image_service
from api.login import throttle
from api.login.common_passwords import weakness
from api.login.jwt_secret import jwt_secret
from api.login.service import password_matches
from api.state import app_state, caller_network, current_login, current_user, read, services, write
from common.accounts import api_keys, logins, queries
from common.accounts.account_deletion import AccountIds, remove_account, remove_some
from common.accounts.queries import AccountRecord
from common.database.ids import new_id, parse_id
from common.errors import Forbidden, InputFault, NotFound, TooManyRequests, Unauthorized
from common.housekeeping import rate_counters
from common.search.feedback.voters import voter_of

SIGN_UP, CHANGE, CLOSING = SignUp(), AccountChange(), AccountClosing()


def sign_up(fields: dict[str, Any]) -> AccountRecord:
    """Create an account; return its row.

    Raises InputFault for invalid fields or a weak password; Conflict if the name or the e-mail
    address is taken; Forbidden where only admins create accounts; TooManyRequests if the network
    has created too many; and Unavailable while too many passwords are being hashed.
    """
    if not services().settings.sign_up:
        raise Forbidden(
            "Sign-up is off. Ask an admin of this service for an account.", code="sign_up_off"
        )
    values = SIGN_UP.load(fields)
    name, email, password = values["name"], values["email"], values["password"]
    _check_password(password, name, email)
    write(partial(_check_sign_up, name=name, email=email))
    id, password_hash = new_id(), app_state().passwords.hash(password)

    def change(session: Session) -> bool:
        queries.open_account(session, id, name, email, password_hash)
        return True

    write(change, partial(queries.is_stored, id=id))
    security_event("sign-up", account=id)
    return _account(id)


def _check_sign_up(session: Session, name: str, email: str) -> None:
    """Raise Conflict if the name or address is taken; TooManyRequests above the network's limit.

    This runs before the password is hashed, since a flood of sign-ups would exhaust hashing.
    """
    queries.must_be_free(session, name, email)
    if limit := services().settings.sign_up_limit:
        counter = rate_counters.name_of("sign-up", caller_network())
        count = rate_counters.add(session, counter, limit.seconds, limit.limit)
        if not count.allowed:
            wait = max(1, round(count.ends_in + 0.5))
            detail = (
                f"Your network may create {limit.limit:,} accounts in {limit.seconds:,} s. Send "
                f"the request again in {wait:,} s."
            )
            raise TooManyRequests(detail, code="too_many_sign_ups", retry_after=wait)


def _check_password(password: str, *names: str) -> None:
    """Raise InputFault for a password that attackers try first."""
    if reason := weakness(password, names):
        raise InputFault(reason, code="password_weak", errors={"password": [reason]})


def my_account() -> AccountRecord:
    """Return the row of the caller's account; raises Unauthorized for an anonymous caller."""
    return _account(require_account())


def find_profile(name: str) -> AccountRecord:
    """Return the row of the account with this name.

    Raises NotFound if no account has it, or if it is disabled and the caller is not an admin.
    """
    account = read(partial(queries.find_by_name, name=name))
    if account is None or not (account.is_active or current_user().is_admin):
        raise user_not_found()
    return account


def change_account(fields: dict[str, Any]) -> AccountRecord:
    """Change the e-mail address or password of the caller's account; return its row.

    A new password ends all other log-ins and, unless `keep_keys` is set, deletes all API keys.
    Raises InputFault for a wrong current password, TooManyRequests after too many wrong ones, and
    Conflict if the address is taken.
    """
    account, changes = my_account(), CHANGE.load(fields)
    new_hash = None
    if "current_password" in changes:
        _verify_password(account, changes["current_password"], "current_password")
    if "password" in changes:
        email = changes.get("email", account.email)
        _check_password(changes["password"], account.name, email)
        new_hash = app_state().passwords.hash(changes["password"])
    write(lambda session: _write(session, account.id, changes, new_hash))
    for field in changes.keys() & {"email", "password"}:
        security_event(f"{field} changed", account=account.id)
    return my_account()


def _write(session: Session, id: UUID, changes: dict[str, Any], new_hash: str | None) -> None:
    if "email" in changes:
        queries.set_email(session, id, changes["email"])
    if new_hash:
        queries.set_password(session, id, new_hash)
        logins.end_others(session, id, current_login())
        if not changes["keep_keys"]:
            api_keys.remove_all(session, id)


def my_logins() -> list[dict[str, Any]]:
    """Return the caller's log-ins, newest first; `current` marks the one of this request."""
    rows = read(partial(logins.of_user, user_id=require_account()))
    return [{**row._asdict(), "current": row.id == current_login()} for row in rows]


def end_login(id: str) -> None:
    """End a log-in of the caller; raises NotFound if they have no log-in with this id."""
    owner, login = require_account(), parse_id(id)
    is_ended = login and write(partial(logins.end_one, id=login, user_id=owner))
    if not is_ended:
        raise NotFound("You have no log-in with this id.", code="login_not_found")
    security_event("log-in ended", account=owner, login=login)


def close_account(fields: dict[str, Any]) -> None:
    """Close the caller's account and delete what belongs to it.

    Raises InputFault for a wrong password, and TooManyRequests after too many wrong ones.
    """
    account, values = my_account(), CLOSING.load(fields)
    _verify_password(account, values["password"], "password")
    secret = jwt_secret(services().settings).encode()
    ids = AccountIds(account.id, voter_of(secret, account.id, ""), scope_of(account.id, ""))
    _delete_rows(ids)
    write(partial(remove_account, account=ids))
    _delete_rows(ids)  # rows that were inserted in the meantime


def _delete_rows(ids: AccountIds) -> None:
    """Delete what belongs to an account, in many small transactions."""
    image_service.remove_all_of(ids.id)
    while write(partial(remove_some, account=ids)):
        pass


def _verify_password(account: AccountRecord, password: str, field: str) -> None:
    """Raise InputFault unless this is the account's password: a token alone may be stolen."""
    attempt: dict[str, Any] = {"account": account.name, "address": request.remote_addr or ""}
    write(partial(throttle.count_attempt, **attempt))
    if not password_matches(account.password_hash, password, attempt):
        detail = "This is not the password of your account. Send your current password."
        raise InputFault(detail, code="password_wrong", errors={field: [detail]})
    write(partial(throttle.count_success, **attempt))


def _account(id: UUID) -> AccountRecord:
    account = read(partial(queries.find_by_id, id=id))
    if account is None:
        raise Unauthorized("This account no longer exists. Log in with another account.")
    return account
