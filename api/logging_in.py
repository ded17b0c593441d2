"""Signing in: a password becomes the tokens of a log-in."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Request
from sqlalchemy.orm import Session

from api import throttle
from api.context import edge, services
from api.framing import read_whole
from api.schemas.accounts import LogIn
from api.tokens import make_access, make_refresh
from common.db import read, transact
from common.errors import Malformed, Unauthorized, UnsupportedMedia
from common.ids import new_id
from common.people import accounts, logins

LOG_IN = LogIn()
FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100


def read_form(request: Request) -> dict[str, str]:
    """The fields of a form; raises Malformed, and UnsupportedMedia for what is none."""
    raw = read_whole(request)
    if request.mimetype != FORM:
        raise UnsupportedMedia(f"Send {FORM}.")
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Malformed("The form is broken.", code="form") from error
    return dict(pairs)


def log_in(request: Request) -> dict[str, Any]:
    """The tokens of a new log-in. Raises Unauthorized, the same for an unknown name, a wrong
    password and a disabled account; TooManyRequests; Unavailable when too many sign in at once.
    """
    form = LOG_IN.load(read_form(request))
    who = {"account": form["username"], "address": request.remote_addr or ""}
    sessions, passwords = services().sessions, edge().passwords
    transact(sessions, partial(throttle.take, **who))
    account = read(sessions, partial(accounts.find_by_name, name=form["username"]))
    known = account.password_hash if account and account.is_active else None
    if not passwords.matches(known, form["password"]) or account is None or known is None:
        raise Unauthorized("The name or the password is wrong.", code="credentials_invalid")
    better = passwords.hash(form["password"]) if passwords.is_outdated(known) else None

    def forgive(session: Session) -> None:
        throttle.forgive(session, **who)
        if better:
            accounts.set_password(session, account.id, better)

    return _begin(account.id, forgive)


def _begin(user: UUID, also: Callable[[Session], None]) -> dict[str, Any]:
    """The tokens of a new log-in, written in one transaction with what `also` writes."""
    login, refresh = new_id(), new_id()
    seconds = services().settings.refresh_token_seconds

    def enter(session: Session) -> None:
        also(session)
        logins.open_login(session, login, user, refresh, seconds)

    transact(services().sessions, enter)
    return tokens(user, login, refresh)


def tokens(user: UUID, login: UUID, refresh: UUID) -> dict[str, Any]:
    """What is answered to who has proved themselves."""
    return {
        "access_token": make_access(user, login),
        "token_type": "bearer",
        "expires_in": services().settings.access_token_seconds,
        "refresh_token": make_refresh(refresh, user, login),
    }
