"""Log in with a password, refresh the tokens of a log-in, log out."""

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Request, request
from sqlalchemy.orm import Session

from api.accounts.security_log import security_event
from api.http.body.parser import SMALL
from api.http.body.reader import read_whole
from api.login import throttle
from api.login.schemas import LogIn, Refresh
from api.login.tokens import (
    REFRESH,
    invalid_credentials,
    make_access,
    make_refresh,
    read_token,
)
from api.state import app_state, caller_network, current_login, read, services, write
from common.accounts import logins, queries
from common.database.ids import new_id
from common.errors import Malformed, Unauthorized, Unavailable, UnsupportedMedia
from common.social.account_locks import hold

LOG_IN, REFRESH_REQUEST = LogIn(), Refresh()
FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 100


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A log-in that has just begun: its account, and the ids of it and its first refresh token."""

    user: UUID
    role: str
    login: UUID
    refresh: UUID


def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form-encoded body.

    Raises UnsupportedMedia for another media type, and Malformed for an undecodable body.
    """
    raw = read_whole(request, SMALL)
    if request.mimetype != FORM:
        raise UnsupportedMedia(f"Send the body as {FORM}.")
    try:
        text = raw.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        detail = f"Send a form of at most {MAX_FIELDS} fields in percent-encoded UTF-8."
        raise Malformed(detail, code="form") from error
    return dict(pairs)


def log_in(request: Request) -> dict[str, Any]:
    """Return the tokens of a new log-in; raises the errors of `log_in_with_password`."""
    form = LOG_IN.load(read_form(request))
    seconds = services().settings.refresh_token_seconds
    login = log_in_with_password(form["username"], form["password"], seconds)
    return tokens(login.user, login.login, login.refresh)


def log_in_with_password(name: str, password: str, seconds: int) -> NewLogin:
    """Start a log-in whose first refresh token is valid for `seconds`.

    Raises Unauthorized, with the same message for an unknown name, a wrong password and a disabled
    account; TooManyRequests if the throttle refuses the attempt; and Unavailable while too many
    passwords are being checked.
    """
    attempt: dict[str, Any] = {"account": name, "address": request.remote_addr or ""}
    passwords = app_state().passwords
    write(partial(throttle.count_attempt, **attempt))
    account = read(partial(queries.find_by_name, name=name))
    stored_hash = account.password_hash if account and account.is_active else None
    is_right = password_matches(stored_hash, password, attempt)
    if not is_right or account is None or stored_hash is None:
        security_event("log-in refused", name=name)
        raise Unauthorized("The name or the password is wrong.", code="credentials_invalid")
    new_hash = passwords.hash(password) if passwords.is_outdated(stored_hash) else None
    login = NewLogin(account.id, account.role, new_id(), new_id())

    def change(session: Session) -> None:
        hold(session, login.user)
        throttle.count_success(session, **attempt)
        if new_hash:
            queries.set_password(session, login.user, new_hash)
        logins.open_login(session, login.login, login.user, login.refresh, seconds)

    write(change)
    security_event("log-in", account=login.user, login=login.login)
    return login


def password_matches(password_hash: str | None, password: str, attempt: dict[str, Any]) -> bool:
    """Return whether the password is the one that was hashed.

    Raises Unavailable while too many passwords are being checked; the attempt, whose account name
    and client address are given, then does not count for the throttle.
    """
    try:
        return app_state().passwords.matches(password_hash, password)
    except Unavailable:
        write(partial(throttle.uncount_attempt, **attempt))
        raise


def refresh_tokens(fields: dict[str, Any]) -> dict[str, Any]:
    """Exchange a refresh token for new tokens.

    If the same token is sent again within logins.GRACE seconds from the same network, as two tabs
    of a browser do, the same new tokens are returned. Any other reuse means that the token was
    stolen: it ends the log-in and raises Unauthorized.
    """
    old = read_token(REFRESH_REQUEST.load(fields)["refresh_token"], REFRESH)
    settings = services().settings
    turn = logins.Turn(old.login, old.user, old.id, new_id(), network_digest())
    longest, seconds = settings.login_seconds, settings.refresh_token_seconds
    rotate = partial(logins.rotate, turn=turn, seconds=seconds, longest=longest)
    current = write(rotate, partial(logins.rotated, turn=turn))
    if current is None:
        security_event("refresh refused, log-in ended", account=old.user, login=old.login)
        raise invalid_credentials()
    return tokens(old.user, old.login, current)


def network_digest() -> bytes:
    """Return a SHA-256 digest that identifies the caller's network without storing its address."""
    return hashlib.sha256(caller_network().encode()).digest()


def log_out() -> None:
    """End the log-in of the caller's access token; raises Unauthorized without an access token."""
    if (login := current_login()) is None:
        raise Unauthorized("Send the access token of the log-in to end.", code="token_missing")
    write(partial(logins.end, id=login))
    security_event("log-out", login=login)


def tokens(user: UUID, login: UUID, refresh: UUID) -> dict[str, Any]:
    """Return the token response of OAuth 2 (RFC 6749, section 5.1)."""
    return {
        "access_token": make_access(user, login),
        "token_type": "bearer",
        "expires_in": services().settings.access_token_seconds,
        "refresh_token": make_refresh(refresh, user, login),
    }
