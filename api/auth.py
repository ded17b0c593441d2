"""Credentials: whoever sends some is who they say, or is told that they are not.

A token that is not good is refused even where none is needed: its sender would be served as
somebody whom they do not expect to be.
"""

import hashlib
from functools import partial

from flask import Request, g, request

from api.context import services
from api.tokens import ACCESS, invalid, read_token
from common.callers import Caller
from common.db import read
from common.people import logins

TOKEN_SCHEMES = ("bearer", "token")
KEY_HEADER = "X-API-Key"
KEY_PREFIX = "aft_"  # of API keys


def identify() -> None:
    """Put the caller where `current_user` finds it; raises Unauthorized for a bad token.

    Without one, nothing is looked up. Basic is left to a proxy in front that may have asked for it.
    """
    token = _token(request)
    if token is not None:
        g.caller = _caller(token)


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    key = request.headers.get(KEY_HEADER) or None
    if scheme.lower() not in TOKEN_SCHEMES:
        return key
    if key is not None:
        raise invalid()  # which of the two would count?
    return token.strip()


def _caller(token: str) -> Caller:
    """Whose token it is, as the account is now: one SELECT."""
    if token.startswith(KEY_PREFIX):
        find = partial(logins.by_key, digest=digest_of(token))
    else:
        known = read_token(token, ACCESS)
        find = partial(logins.by_login, id=known.login, user_id=known.user)
    if (found := read(services().sessions, find)) is None:
        raise invalid()
    return found


def digest_of(key: str) -> bytes:
    """What is kept of an API key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
