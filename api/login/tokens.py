"""Tokens: made and read by Flask-JWT-Extended, by stricter rules than its own.

A token is an access or a refresh token of one log-in, and says so: by `login`, its family.
"""

from dataclasses import dataclass
from uuid import UUID

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from api.login.jwt_secret import jwt_secret
from common.database.ids import parse_id
from common.errors import Unauthorized
from common.settings import Settings

ALGORITHM = "HS256"
NAME = "afterimage"  # who issues them, and for whom
LEEWAY = 5  # seconds by which the clocks of two machines may differ
ACCESS, REFRESH = "access", "refresh"
# What reading a text from anywhere as JSON and base64 raises beside the libraries' own.
BROKEN = (PyJWTError, JWTExtendedException, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Token:
    """What a good token says."""

    id: UUID
    user: UUID
    login: UUID


def configure(app: Flask, settings: Settings) -> None:
    """Give the library its rules; raises SettingsError without a secret."""
    app.config.update(
        JWT_SECRET_KEY=jwt_secret(settings),
        JWT_ALGORITHM=ALGORITHM,
        JWT_DECODE_ALGORITHMS=[ALGORITHM],
        JWT_ENCODE_ISSUER=NAME,
        JWT_DECODE_ISSUER=NAME,
        JWT_ENCODE_AUDIENCE=NAME,
        JWT_DECODE_AUDIENCE=NAME,
        JWT_DECODE_LEEWAY=LEEWAY,
        JWT_ACCESS_TOKEN_EXPIRES=settings.access_token_seconds,
        JWT_REFRESH_TOKEN_EXPIRES=settings.refresh_token_seconds,
    )
    JWTManager(app)


def make_access(user: UUID, login: UUID) -> str:
    """An access token."""
    return str(create_access_token(str(user), additional_claims={"login": str(login)}))


def make_refresh(id: UUID, user: UUID, login: UUID) -> str:
    """The refresh token of this id."""
    claims = {"jti": str(id), "login": str(login)}
    return str(create_refresh_token(str(user), additional_claims=claims))


def read_token(text: str, kind: str) -> Token:
    """What the token says; raises Unauthorized unless it is ours, of this kind, and good now."""
    try:
        claims = decode_token(text)
    except BROKEN as error:
        raise invalid() from error
    # The library takes tokens that never end.
    ids = [parse_id(str(claims.get(name))) for name in ("jti", "sub", "login")]
    if "exp" not in claims or claims["type"] != kind or None in ids:
        raise invalid()
    return Token(*(id for id in ids if id))


def invalid() -> Unauthorized:
    """What those are told whose token is not good, whatever the reason."""
    return Unauthorized("This token is not valid, or no longer.")
