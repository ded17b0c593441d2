"""BMP: the whole file, which holds no metadata that affects a decoder."""

from common.images.formats.bare.pixels import BarePixels
from common.images.formats.bmp import embedded_profile


def bare(data: bytes) -> BarePixels:
    """The bitmap with its embedded profile."""
    return BarePixels(data, embedded_profile(data))
