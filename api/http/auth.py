"""Credentials: whoever sends some is who they say, or is told that they are not.

A token that is not good is refused even where none is needed: its sender would be served as
somebody whom they do not expect to be.
"""

from contextlib import suppress
from functools import partial

from flask import Request, g, request

from api.login.tokens import ACCESS, invalid, read_token
from api.state import read, write
from common.accounts import api_keys, logins
from common.callers import Caller
from common.errors import Unavailable

TOKEN_SCHEMES = ("bearer", "token")
KEY_HEADER = "X-API-Key"


def identify() -> None:
    """Put the caller where `current_user` finds it; raises Unauthorized for a bad token.

    Without one, nothing is looked up. Basic is left to a proxy in front that may have asked for it.
    """
    token = _token(request)
    if token is not None:
        g.caller = _by_key(token) if token.startswith(api_keys.PREFIX) else _by_token(token)


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    key = request.headers.get(KEY_HEADER) or None
    if scheme.lower() not in TOKEN_SCHEMES:
        return key
    if key is not None:
        raise invalid()  # which of the two would count?
    return token.strip()


def _by_token(token: str) -> Caller:
    """Whose access token it is, as the account is now: one SELECT."""
    known = read_token(token, ACCESS)
    find = partial(logins.by_login, id=known.login, user_id=known.user)
    if (found := read(find)) is None:
        raise invalid()
    g.login = known.login
    return found


def _by_key(key: str) -> Caller:
    """Whose API key it is: one SELECT, and now and then an UPDATE."""
    found = read(partial(api_keys.owner_of, key=key))
    if found is None:
        raise invalid()
    caller, unnoted = found
    if unnoted:
        with suppress(Unavailable):
            write(partial(api_keys.note_use, id=unnoted))
    return caller
