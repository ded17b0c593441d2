"""Reducing an image file to the pixels that a decoder needs.

Metadata must not affect whether an image can be decoded, or how it looks in a decoder that
interprets metadata differently from browsers. So the decoder gets a new file with the pixels only,
and the properties that define their meaning are returned beside it: the colour profile, the
transparent colour, and the position of a frame on its canvas.
"""

from collections.abc import Callable

from common.images.formats.bare import bmp, gif, heif, jpeg, png, tiff, webp
from common.images.formats.bare.pixels import BarePixels
from common.images.formats.header import Header

__all__ = ["BarePixels", "bare_pixels"]

_MAKERS: dict[str, Callable[[bytes], BarePixels]] = {
    "image/jpeg": jpeg.bare,
    "image/png": png.bare,
    "image/gif": gif.bare,
    "image/webp": webp.bare,
    "image/bmp": bmp.bare,
    "image/tiff": tiff.bare,
    "image/heic": heif.bare,
    "image/avif": heif.bare,
}


def bare_pixels(data: bytes, header: Header) -> BarePixels:
    """Return the pixels of the first frame of the image file `data` with this header.

    The pixels of a truncated file are truncated too.
    """
    return _MAKERS[header.media_type](data)
