"""Signing in: a password becomes the tokens of a log-in."""

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
from api.login.tokens import REFRESH, invalid, make_access, make_refresh, read_token
from api.state import app_state, current_login, read, services, write
from common.accounts import logins, queries
from common.client_networks import network_of
from common.database.ids import new_id
from common.errors import Malformed, Unauthorized, Unavailable, UnsupportedMedia
from common.social.account_locks import hold

LOG_IN, AGAIN = LogIn(), Refresh()
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100


@dataclass(frozen=True, slots=True)
class Opened:
    """A log-in that has just begun: whose, and the ids of it and of its first refresh token."""

    user: UUID
    role: str
    login: UUID
    refresh: UUID


def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; raises Malformed, and UnsupportedMedia for what is none."""
    raw = read_whole(request, SMALL)
    if request.mimetype != FORM:
        raise UnsupportedMedia(f"Send {FORM}.")
    try:
        text = raw.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        detail = f"The form is not percent-encoded UTF-8 of at most {MOST_FIELDS} fields."
        raise Malformed(detail, code="form") from error
    return dict(pairs)


def log_in(request: Request) -> dict[str, Any]:
    """The tokens of a new log-in; raises what `open_with_password` raises."""
    form = LOG_IN.load(read_form(request))
    seconds = services().settings.refresh_token_seconds
    opened = open_with_password(form["username"], form["password"], seconds)
    return tokens(opened.user, opened.login, opened.refresh)


def open_with_password(name: str, password: str, seconds: int) -> Opened:
    """A new log-in that can be carried on for `seconds`. Raises Unauthorized, the same for an
    unknown name, a wrong password and a disabled account; TooManyRequests; Unavailable when too
    many sign in at once.
    """
    who: dict[str, Any] = {"account": name, "address": request.remote_addr or ""}
    passwords = app_state().passwords
    write(partial(throttle.take, **who))
    account = read(partial(queries.find_by_name, name=name))
    known = account.password_hash if account and account.is_active else None
    is_right = checked(known, password, who)
    if not is_right or account is None or known is None:
        security_event("log-in refused", name=name)
        raise Unauthorized("The name or the password is wrong.", code="credentials_invalid")
    better = passwords.hash(password) if passwords.is_outdated(known) else None
    opened = Opened(account.id, account.role, new_id(), new_id())

    def insert_login(session: Session) -> None:
        hold(session, opened.user)
        throttle.forgive(session, **who)
        if better:
            queries.set_password(session, opened.user, better)
        logins.open_login(session, opened.login, opened.user, opened.refresh, seconds)

    write(insert_login)
    security_event("log-in", account=opened.user, login=opened.login)
    return opened


def checked(password_hash: str | None, password: str, who: dict[str, Any]) -> bool:
    """Whether the password is right. An attempt that finds the service busy does not count."""
    try:
        return app_state().passwords.matches(password_hash, password)
    except Unavailable:
        write(partial(throttle.give_back, **who))
        raise


def refresh(fields: dict[str, Any]) -> dict[str, Any]:
    """New tokens for a refresh token, which can be used once.

    The same token sent again within logins.GRACE seconds from the same network gets the tokens that
    replaced it: two tabs of a browser share one. Raises Unauthorized when it was used before
    otherwise, and ends its log-in, for one of the two who have the token has stolen it.
    """
    old = read_token(AGAIN.load(fields)["refresh_token"], REFRESH)
    settings = services().settings
    turn = logins.Turn(old.login, old.user, old.id, new_id(), network_digest())
    longest, seconds = settings.login_seconds, settings.refresh_token_seconds
    rotate = partial(logins.rotate, turn=turn, seconds=seconds, longest=longest)
    current = write(rotate, partial(logins.rotated, turn=turn))
    if current is None:
        security_event("refresh refused, log-in ended", account=old.user, login=old.login)
        raise invalid()
    return tokens(old.user, old.login, current)


def network_digest() -> bytes:
    """What tells the caller's network from others, without its address."""
    return hashlib.sha256(network_of(request.remote_addr or "").encode()).digest()


def log_out() -> None:
    """End the log-in whose token the caller has shown; raises Unauthorized when there is none."""
    if (login := current_login()) is None:
        raise Unauthorized("Send the access token of the log-in to end.", code="token_missing")
    write(partial(logins.end, id=login))
    security_event("log-out", login=login)


def tokens(user: UUID, login: UUID, refresh: UUID) -> dict[str, Any]:
    """What is answered to who has proved themselves."""
    return {
        "access_token": make_access(user, login),
        "token_type": "bearer",
        "expires_in": services().settings.access_token_seconds,
        "refresh_token": make_refresh(refresh, user, login),
    }
