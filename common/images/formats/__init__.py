"""Image formats, recognized and parsed by their bytes: no pixel is decoded, and no memory is
allocated for the sizes that a header claims. Each format has a module; other packages call only the
functions of this one.
"""

from common.errors import InputFault, UnsupportedMedia
from common.images.formats import bmp, foreign, gif, heif, jpeg, png, tiff, webp
from common.images.formats.header import Format, Header, malformed

__all__ = ["EXTENSIONS", "Header", "read_header", "read_start", "strip_metadata"]

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/heic": ".heic",
    "image/avif": ".avif",
}
_FORMATS: tuple[Format, ...] = (jpeg, png, webp, gif, bmp, heif, tiff)


def read_header(data: bytes) -> Header:
    """Return the media type, stored size, frames and orientation of an image file.

    A file that is truncated after its size is not rejected here: its header has `complete` False,
    so that the caller can check the size first. Raises UnsupportedMedia `image_format_not_allowed`,
    InputFault `image_empty`, `image_truncated` (before its size) or `image_malformed`.
    """
    return _with_size(_format_of(data).read(data))


def read_start(data: bytes) -> Header:
    """Return the same for a file that `read_header` has accepted before, without searching for the
    end of a JPEG, which takes a pass over all its bytes.
    """
    found = _format_of(data)
    return _with_size(jpeg.read_start(data) if found is jpeg else found.read(data))


def _with_size(header: Header) -> Header:
    if not (header.width and header.height):
        raise malformed("image", f"its header gives its size as {header.width} x {header.height}")
    return header


def strip_metadata(data: bytes) -> bytes:
    """Return the image without EXIF (GPS, thumbnails), XMP, IPTC, comments and bytes after its end.

    Pixel data, colour profile and animation are copied unchanged (of a sequence in a HEIC or AVIF
    the still picture alone); an orientation other than 1 is kept, in formats with EXIF as its only
    tag. Returns `data` itself if it has no metadata; a HEIC, AVIF or TIFF is written anew. Raises
    the errors of `read_header`, and `image_truncated` for each incomplete file.
    """
    stripped = _format_of(data).strip(data)
    return data if stripped == data else stripped


def _format_of(data: bytes) -> Format:
    for each in _FORMATS:
        if each.recognises(data):
            return each
    if not data:
        raise InputFault("The image is empty.", code="image_empty")
    what = foreign.name(data) or "no image of a known format"
    raise UnsupportedMedia(
        f"This is {what}; accepted are JPEG, PNG, GIF, WebP, BMP, TIFF, HEIC and AVIF.",
        code="image_format_not_allowed",
    )
