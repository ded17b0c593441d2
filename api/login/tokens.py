"""Create and verify JSON Web Tokens with Flask-JWT-Extended, under stricter rules than its own.

Each token is an access token or a refresh token of one log-in, named by its claim `login`.
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
NAME = "afterimage"  # issuer and audience
LEEWAY = 5  # seconds by which the clocks of two machines may differ
ACCESS, REFRESH = "access", "refresh"
# Decoding untrusted text as base64 and JSON raises more than the libraries' own exceptions.
DECODE_ERRORS = (
    PyJWTError,
    JWTExtendedException,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Token:
    """The claims of a valid token."""

    id: UUID
    user: UUID
    login: UUID


def configure(app: Flask, settings: Settings) -> None:
    """Configure the library; raises the SettingsError of `jwt_secret`."""
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
    """Return a new access token of this log-in."""
    return str(create_access_token(str(user), additional_claims={"login": str(login)}))


def make_refresh(id: UUID, user: UUID, login: UUID) -> str:
    """Return the refresh token with this id."""
    claims = {"jti": str(id), "login": str(login)}
    return str(create_refresh_token(str(user), additional_claims=claims))


def read_token(text: str, kind: str) -> Token:
    """Return the token's claims.

    Raises Unauthorized unless this service has issued it, it is of this kind (ACCESS or REFRESH),
    and it has not expired.
    """
    try:
        claims = decode_token(text)
    except DECODE_ERRORS as error:
        raise invalid_credentials() from error
    # The library accepts tokens without `exp` and `jti`.
    ids = [parse_id(str(claims.get(name))) for name in ("jti", "sub", "login")]
    if "exp" not in claims or claims["type"] != kind or None in ids:
        raise invalid_credentials()
    return Token(*(id for id in ids if id))


def invalid_credentials() -> Unauthorized:
    """Return the error for an invalid token or API key. It does not disclose the reason."""
    return Unauthorized(
        "The token or API key is invalid, expired or revoked. Log in again, or send a valid one."
    )
