"""Authentication: find the caller of a request by its access token or API key.

Invalid credentials are refused even where none are needed. Otherwise their sender would be served
as an anonymous caller without noticing.
"""

from contextlib import suppress
from functools import partial

from flask import Request, g, request

from api.login.tokens import ACCESS, invalid_credentials, read_token
from api.state import read, write
from common.accounts import api_keys, logins
from common.callers import Caller
from common.errors import Unavailable

TOKEN_SCHEMES = ("bearer", "token")
KEY_HEADER = "X-API-Key"


def identify() -> None:
    """Set the caller for `current_user`; raises Unauthorized for invalid credentials.

    A request without credentials needs no query. The scheme Basic is ignored: it may be meant for a
    proxy in front of the service.
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
        raise invalid_credentials()  # two credentials may belong to two accounts
    return token.strip()


def _by_token(token: str) -> Caller:
    """Return the caller of an access token, with the account's current role: one SELECT."""
    claims = read_token(token, ACCESS)
    find = partial(logins.by_login, id=claims.login, user_id=claims.user)
    if (caller := read(find)) is None:
        raise invalid_credentials()
    g.login = claims.login
    return caller


def _by_key(key: str) -> Caller:
    """Return the caller of an API key: one SELECT, and an occasional UPDATE of `used_at`."""
    owner = read(partial(api_keys.owner_of, key=key))
    if owner is None:
        raise invalid_credentials()
    caller, outdated_key = owner
    if outdated_key:
        with suppress(Unavailable):
            write(partial(api_keys.note_use, id=outdated_key))
    return caller
