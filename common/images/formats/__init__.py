"""Image formats, told and walked by their bytes: no pixel is decoded, nothing is allocated for the
sizes that a header claims. A module per format; here is what the rest of the house calls.
"""

from common.errors import InputFault, UnsupportedMedia
from common.images.formats import bmp, foreign, gif, jpeg, png, webp
from common.images.formats.header import Format, Header, malformed

__all__ = ["EXTENSIONS", "Header", "read_header", "strip_metadata"]

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
}
_FORMATS: tuple[Format, ...] = (jpeg, png, webp, gif, bmp)


def read_header(data: bytes) -> Header:
    """Media type, stored size, frames and orientation of the image that `data` is.

    A file that is cut short behind its size is not refused here: its header says so (`complete`),
    and the caller can refuse the size first. Raises UnsupportedMedia `image_format_not_allowed`,
    InputFault `image_empty`, `image_truncated` (no size to be had) or `image_malformed`.
    """
    header = _format_of(data).read(data)
    if not (header.width and header.height):
        raise malformed("image", f"it says it has {header.width} x {header.height} pixels")
    return header


def strip_metadata(data: bytes) -> bytes:
    """The same image without EXIF (GPS, thumbnails), XMP, IPTC, comments and what follows its end.

    Pixel data, colour profile and animation are copied as they are; an orientation other than 1 is
    put back as the only EXIF tag. Returns `data` itself when nothing had to go. Raises as
    `read_header` does, and `image_truncated` for every file that is not complete.
    """
    stripped = _format_of(data).strip(data)
    return data if stripped == data else stripped


def _format_of(data: bytes) -> Format:
    for known in _FORMATS:
        if known.recognises(data):
            return known
    if not data:
        raise InputFault("The image is empty.", code="image_empty")
    what = foreign.name(data) or "no image of a known format"
    raise UnsupportedMedia(
        f"This is {what}; accepted are JPEG, PNG, GIF, WebP and BMP.",
        code="image_format_not_allowed",
    )
