"""Signing in: a password becomes the tokens of a log-in."""

from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from flask import Request, request
from sqlalchemy.orm import Session

from api.body import SMALL
from api.context import current_login, edge, services
from api.framing import read_whole
from api.people import throttle
from api.people.tokens import REFRESH, invalid, make_access, make_refresh, read_token
from api.schemas.tokens import LogIn, Refresh
from common.db import read, transact
from common.errors import Malformed, Unauthorized, UnsupportedMedia
from common.ids import new_id
from common.people import accounts, logins
from common.sharing.accounts import hold

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
    sessions, passwords = services().sessions, edge().passwords
    transact(sessions, partial(throttle.take, **who))
    account = read(sessions, partial(accounts.find_by_name, name=name))
    known = account.password_hash if account and account.is_active else None
    if not passwords.matches(known, password) or account is None or known is None:
        raise Unauthorized("The name or the password is wrong.", code="credentials_invalid")
    better = passwords.hash(password) if passwords.is_outdated(known) else None
    opened = Opened(account.id, account.role, new_id(), new_id())

    def enter(session: Session) -> None:
        hold(session, opened.user)
        throttle.forgive(session, **who)
        if better:
            accounts.set_password(session, opened.user, better)
        logins.open_login(session, opened.login, opened.user, opened.refresh, seconds)

    transact(sessions, enter)
    return opened


def refresh(fields: dict[str, Any]) -> dict[str, Any]:
    """New tokens for a refresh token, which is good once. Raises Unauthorized when it was used
    before, and ends its log-in: one of the two who had it has stolen it.
    """
    old = read_token(AGAIN.load(fields)["refresh_token"], REFRESH)
    sessions, new = services().sessions, new_id()
    about: dict[str, Any] = {"id": old.login, "user_id": old.user, "old": old.id, "new": new}
    follow = partial(logins.rotate, **about, seconds=services().settings.refresh_token_seconds)
    recall = partial(logins.is_rotated, id=old.login, new=new)
    if not transact(sessions, follow, recall):
        raise invalid()
    return tokens(old.user, old.login, new)


def log_out() -> None:
    """End the log-in whose token the caller has shown; raises Unauthorized when there is none."""
    if (login := current_login()) is None:
        raise Unauthorized("Send the access token of the log-in to end.", code="token_missing")
    transact(services().sessions, partial(logins.end, id=login))


def tokens(user: UUID, login: UUID, refresh: UUID) -> dict[str, Any]:
    """What is answered to who has proved themselves."""
    return {
        "access_token": make_access(user, login),
        "token_type": "bearer",
        "expires_in": services().settings.access_token_seconds,
        "refresh_token": make_refresh(refresh, user, login),
    }
