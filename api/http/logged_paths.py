"""Paths as logs show them: without the ids and slugs that let their holder see what is behind."""

import re
from hashlib import sha256

SHOWN = 12  # hexadecimal digits of a digest
ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
SLUG = re.compile(r"(?<=^/s/)[^/]+")


def logged_path(path: str) -> str:
    """The path with a short sha256 in place of each id and of a share link's slug. The same id
    gives the same digest, so that an operator who knows it finds its lines.
    """
    without_ids = ID.sub(lambda found: _digest(found[0].lower()), path)
    return SLUG.sub(lambda found: _digest(found[0]), without_ids)


def _digest(secret: str) -> str:
    return f"~{sha256(secret.encode()).hexdigest()[:SHOWN]}"
