"""The session cookie of the admin pages: signed, and valid for /admin only.

It names a log-in, as tokens do, but is signed with a key of its own: neither is accepted in place
of the other, and ending the log-in ends both.
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
LONGEST = 8 * 60 * 60  # seconds after the log-in
PURPOSE = b"afterimage admin session"  # keeps the signature from being valid elsewhere


class AdminSessions(SecureCookieSessionInterface):
    """Flask's signed cookies, limited to the pages of /admin."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return None outside of /admin, where sessions are empty and read-only."""
        return super().open_session(app, request) if is_admins(request.path) else None

    def get_cookie_path(self, app: Flask) -> str:
        """Return the path of /admin as the browser sees it."""
        return request.script_root + PATH

    def get_cookie_secure(self, app: Flask) -> bool:
        """Return whether the request came over HTTPS, as far as proxies report it."""
        return request.is_secure


def configure(app: Flask, settings: Settings) -> None:
    """Configure the sessions of /admin."""
    app.secret_key = hmac.digest(jwt_secret(settings).encode(), PURPOSE, "sha256")
    app.session_interface = AdminSessions()
    app.config.update(
        SESSION_COOKIE_NAME="afterimage_admin",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=IDLE),
    )


def is_admins(path: str) -> bool:
    """Return whether the path is an admin page."""
    return path == PATH or path.startswith(PATH + "/")


def begin(opened: NewLogin) -> None:
    """Start a session for a log-in; the previous content of the cookie is dropped."""
    session.clear()
    session.permanent = True  # each request extends it
    session.update(login=str(opened.login), user=str(opened.user), role=opened.role)


def caller() -> Caller | None:
    """Return the account of the session in its current state (one SELECT), or None.

    A role that differs from that at the log-in ends the session.
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
    """End the session and revoke its log-in, so that copies of the cookie are invalid too."""
    content: dict[str, Any] = dict(session)
    session.clear()
    if login := parse_id(str(content.get("login"))):
        write(partial(logins.end, id=login))
