"""The secret that signs tokens: JWT_SECRET, or a generated file beside an SQLite database."""

import contextlib
import os
import secrets
from pathlib import Path

from common.errors import SettingsError
from common.settings import Settings

MIN_BYTES = 32  # the output size of HS256's hash (RFC 7518, section 3.2)
FILE_NAME = "jwt-secret"


def jwt_secret(settings: Settings) -> str:
    """Return JWT_SECRET or, with SQLite, the secret in the data folder, which is created once.

    All processes that share a database need the same secret, and those that share an SQLite file
    share its folder. Raises SettingsError if the secret is too short, or if JWT_SECRET is unset
    and the database is a server.
    """
    if secret := settings.jwt_secret:
        return _checked(secret, "JWT_SECRET")
    if not settings.database_url.startswith("sqlite:"):
        raise SettingsError(
            "JWT_SECRET is not set. A database server requires it: 32 bytes or more, the same for "
            "all API processes. Generate one with `openssl rand -base64 48`."
        )
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        _create_file(path)
    return _checked(path.read_text().strip(), str(path))


def _create_file(path: Path) -> None:
    """Create the file atomically: of several processes that try at once, one succeeds."""
    draft = path.with_name(f"{FILE_NAME}.{secrets.token_hex(8)}")
    draft.touch(0o600, exist_ok=False)
    with draft.open("w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _checked(secret: str, where: str) -> str:
    if len(secret.encode()) < MIN_BYTES:
        raise SettingsError(f"{where} holds fewer than {MIN_BYTES} bytes. Set a longer secret.")
    return secret
