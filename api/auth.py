"""Credentials. There are no accounts, so no token can be valid: whoever sends one is told so,
instead of being served as somebody they did not expect to be."""

from flask import request

from common.errors import Unauthorized

TOKEN_SCHEMES = ("bearer", "token")


def refuse_tokens() -> None:
    """401 for any token; Basic is left to a proxy in front that may have asked for it."""
    scheme = request.headers.get("Authorization", "").strip().partition(" ")[0].lower()
    if scheme in TOKEN_SCHEMES or request.headers.get("X-API-Key"):
        raise Unauthorized("This token is not valid here.")
