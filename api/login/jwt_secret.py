"""What tokens are signed with: as the settings say, or made once where the database is a file."""

import contextlib
import os
import secrets
from pathlib import Path

from common.errors import SettingsError
from common.settings import Settings

SHORTEST = 32  # bytes, as many as HS256's hash has (RFC 7518, section 3.2)
FILE_NAME = "jwt-secret"


def jwt_secret(settings: Settings) -> str:
    """The secret; raises SettingsError when it is too short, or none is given and none can be made.

    Processes that share a database must share it: a folder that holds the one can hold the other.
    """
    if secret := settings.jwt_secret:
        return _checked(secret, "JWT_SECRET")
    if not settings.database_url.startswith("sqlite:"):
        raise SettingsError(
            "JWT_SECRET is not set. With a database server it is required: 32 bytes or more, the "
            "same for all API processes; `openssl rand -base64 48` makes one."
        )
    path = settings.data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    return _checked(path.read_text().strip(), str(path))


def _make(path: Path) -> None:
    """Of several processes that make it at once, one does: whole, or not at all."""
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
    if len(secret.encode()) < SHORTEST:
        raise SettingsError(f"{where} must hold {SHORTEST} bytes or more.")
    return secret
