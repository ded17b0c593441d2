"""The admin pages' cookie: signed, for /admin alone, and good for nothing else.

It names a log-in of `logins`, as tokens do, but by a signature of its own: neither is taken for the
other, and what ends the log-in ends both.
"""

import hmac
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from api.login.jwt_secret import jwt_secret
from api.login.service import NewLogin
from api.state import read, write
from common.accounts import logins
from common.callers import Caller
from common.database.ids import parse_id
from common.settings import Settings

PATH = "/admin"
IDLE = 30 * 60  # seconds without a request after which a session has ended
LONGEST = 8 * 60 * 60  # seconds from its log-in on
PURPOSE = b"afterimage admin session"  # no signature made for it is good for anything else


class AdminSessions(SecureCookieSessionInterface):
    """Flask's signed cookies, on the pages of /admin."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None elsewhere: there a session is empty and cannot be written."""
        return super().open_session(app, request) if is_admins(request.path) else None

    def get_cookie_path(self, app: Flask) -> str:
        """Where the service's /admin is for the browser."""
        return request.script_root + PATH

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether it came over https, as far as it is known here."""
        return request.is_secure


def configure(app: Flask, settings: Settings) -> None:
    """Let /admin have sessions."""
    app.secret_key = hmac.digest(jwt_secret(settings).encode(), PURPOSE, "sha256")
    app.session_interface = AdminSessions()
    app.config.update(
        SESSION_COOKIE_NAME="afterimage_admin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=IDLE),
    )


def is_admins(path: str) -> bool:
    """Whether the path is one of the admin pages."""
    return path == PATH or path.startswith(PATH + "/")


def begin(opened: NewLogin) -> None:
    """Let the browser be signed in; what its session held before is forgotten."""
    session.clear()
    session.permanent = True  # it is carried on by each request
    session.update(login=str(opened.login), user=str(opened.user), role=opened.role)


def caller() -> Caller | None:
    """Who is signed in, as the account is now: one SELECT. None when nobody is, or when the log-in
    or the account has ended. Another role than at the log-in ends the session.
    """
    login, user = (parse_id(str(session.get(name))) for name in ("login", "user"))
    if login is None or user is None:
        return None
    found = read(partial(logins.by_login, id=login, user_id=user))
    if found and found.role == session.get("role"):
        return found
    end()
    return None


def end() -> None:
    """Let nobody be signed in, also not with a copy of the cookie."""
    held: dict[str, Any] = dict(session)
    session.clear()
    if login := parse_id(str(held.get("login"))):
        write(partial(logins.end, id=login))
