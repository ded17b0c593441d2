"""TIFF: the first page as stored, without its profile."""

from common.images.formats.bare.pixels import BarePixels
from common.images.formats.tiff import BITS, ORIENTATION, PROFILE, first_page, write


def bare(data: bytes) -> BarePixels:
    """The page with its profile beside it."""
    page = first_page(data)
    profile = page.entries[PROFILE][2] if PROFILE in page.entries else b""
    without_metadata = write(data, page, frozenset((ORIENTATION, PROFILE)))
    return BarePixels(without_metadata, profile, depth=max(page.numbers(BITS), default=8))
