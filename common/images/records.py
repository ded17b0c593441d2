"""Rows of `images` as typed records."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class ImageAccess(NamedTuple):
    """The columns that decide who may see an image, and its bytes' sha256."""

    id: UUID
    owner_id: UUID | None  # None: an anonymous caller
    sha256: bytes
    visibility: str
    posts: int


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
