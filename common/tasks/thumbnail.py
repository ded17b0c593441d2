"""thumbnail: a small picture of an image, made when it is first looked at; no caller names it."""

import re

from marshmallow import Schema, fields, validate

from common.tasks import Contract

SIZES = (64, 256, 1024)  # pixels of the longer side
MEDIA_TYPE = "image/jpeg"


class ThumbnailParams(Schema):
    """How large."""

    size = fields.Integer(strict=True, load_default=256, validate=validate.OneOf(SIZES))


class ThumbnailResult(Schema):
    """What was stored; smaller than asked for when the image is."""

    width = fields.Integer()
    height = fields.Integer()
    bytes = fields.Integer()


def thumbnail_key(sha256: bytes, size: int) -> str:
    """Where the thumbnail of the image with this digest lies: `thumbnails/ab/cdef…/256.jpg`."""
    digest = sha256.hex()
    return f"thumbnails/{digest[:2]}/{digest[2:]}/{size}.jpg"


def digest_of_thumbnail(key: str) -> bytes | None:
    """The digest of the image whose thumbnail lies under `key`; None for any other key."""
    found = re.fullmatch(r"thumbnails/([0-9a-f]{2})/([0-9a-f]{62})/[0-9]+\.jpg", key)
    return bytes.fromhex(found[1] + found[2]) if found else None


CONTRACT = Contract(
    name="thumbnail",
    summary="A small picture of the image.",
    params=ThumbnailParams,
    result=ThumbnailResult,
    cacheable=False,  # the result is in the store, which may lose it
    internal=True,
)
