"""thumbnail: make a small version of an image when it is first requested; internal."""

import re

from marshmallow import Schema, fields, validate

from common.tasks import DAY, HOUR, Contract

SIZES = (64, 256, 1024)  # pixels of the longer side
PREVIEW = 2048  # the size of `/preview`, for what browsers cannot show
STORED_SIZES = (*SIZES, PREVIEW)
MEDIA_TYPE = "image/jpeg"
FACES = "faces"  # what a blurred preview hides


class ThumbnailParams(Schema):
    """The size in pixels, and what is hidden; without `blur` nothing is."""

    size = fields.Integer(strict=True, load_default=256, validate=validate.OneOf(STORED_SIZES))
    blur = fields.String(validate=validate.OneOf([FACES]))


class ThumbnailResult(Schema):
    """The stored thumbnail; an image smaller than `size` is not enlarged."""

    width = fields.Integer()
    height = fields.Integer()
    bytes = fields.Integer()


def thumbnail_key(sha256: bytes, size: int, blur: str | None = None) -> str:
    """Return the storage key of a thumbnail: `thumbnails/ab/cdef…/256.jpg`, with `blur`
    `…/2048-faces.jpg`.
    """
    digest = sha256.hex()
    name = f"{size}-{blur}" if blur else str(size)
    return f"thumbnails/{digest[:2]}/{digest[2:]}/{name}.jpg"


def thumbnail_keys(sha256: bytes) -> list[str]:
    """Return the storage keys of all thumbnails that an image can have."""
    plain = [thumbnail_key(sha256, size) for size in STORED_SIZES]
    return [*plain, thumbnail_key(sha256, PREVIEW, FACES)]


def digest_of_thumbnail(key: str) -> bytes | None:
    """Return the sha256 of the image whose thumbnail has this key; None for any other key."""
    match = re.fullmatch(r"thumbnails/([0-9a-f]{2})/([0-9a-f]{62})/[0-9]+(?:-[a-z]+)?\.jpg", key)
    return bytes.fromhex(match[1] + match[2]) if match else None


CONTRACT = Contract(
    name="thumbnail",
    summary="A small version of the image.",
    params=ThumbnailParams,
    result=ThumbnailResult,
    cacheable=False,  # the thumbnail itself is in the store, which may lose it
    internal=True,
    keep_succeeded=HOUR,  # by then the API reads the thumbnail from the store
    keep_unsuccessful=DAY,  # meanwhile a failure shows that the image is at fault
)
