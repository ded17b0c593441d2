"""Rows of `images` as typed records."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class StoredImage(NamedTuple):
    """An image with the size and media type of its bytes, as lists show it."""

    id: UUID
    file_name: str
    width: int
    height: int
    sha256: bytes
    visibility: str
    created_at: datetime
    size: int
    media_type: str
