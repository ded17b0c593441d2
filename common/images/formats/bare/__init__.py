"""What a decoder needs of an image file, and nothing else.

Metadata must not decide whether an image can be decoded, nor what it looks like in a decoder that
understands it otherwise than browsers do. So the decoder is given a new file of the pixels alone,
and what metadata says about the meaning of those pixels is told apart: the colour profile, the
transparent colour, the place of a frame on its canvas.
"""

from collections.abc import Callable

from common.images.formats.bare import bmp, gif, jpeg, png, webp
from common.images.formats.bare.pixels import BarePixels
from common.images.formats.header import Header

__all__ = ["BarePixels", "bare_pixels"]

_MAKERS: dict[str, Callable[[bytes], BarePixels]] = {
    "image/jpeg": jpeg.bare,
    "image/png": png.bare,
    "image/gif": gif.bare,
    "image/webp": webp.bare,
    "image/bmp": bmp.bare,
}


def bare_pixels(data: bytes, header: Header) -> BarePixels:
    """The pixels of the first frame of the image file `data`, whose header this is.

    What is missing of a file that is cut short, the decoder will miss as well.
    """
    return _MAKERS[header.media_type](data)
