"""The color of a PNG that is transparent, compared at the stored bit depth."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from common.images.formats.bare import BarePixels

Box = tuple[int, int, int, int]
Mask = Callable[[Image.Image, Box], Image.Image]


def opacity(bare: BarePixels) -> Mask | None:
    """Return a function for the alpha of a part of the picture, in mode L; None if every color is
    opaque.

    The function takes the decoded part and its position in the picture.
    """
    if not bare.transparent:
        return None
    if len(bare.transparent) == 1:
        return _of_grey(bare.transparent[0], bare.depth)
    return _of_deep_colour(bare) if bare.depth == 16 else _of_colour(bare.transparent)


def _of_grey(key: int, depth: int) -> Mask:
    # Pillow scales values of fewer bits to 0..255, and keeps 16-bit values.
    value = key if depth == 16 else key * 255 // ((1 << depth) - 1)
    return lambda part, _: _mask(np.asarray(part.convert("L") if depth < 8 else part) == value)


def _of_colour(key: tuple[int, ...]) -> Mask:
    return lambda part, _: _mask((np.asarray(part) == key).all(axis=-1))


def _of_deep_colour(bare: BarePixels) -> Mask:
    """Compare at 16 bits: Pillow decodes only the upper 8 bits of a color, so decode the lower 8 as
    well.
    """
    lower = Image.open(BytesIO(bare.data), formats=("PNG",))
    assert isinstance(lower, ImageFile.ImageFile)
    # Read as little-endian numbers, the upper byte is the one stored second.
    lower.tile = [tile._replace(args="RGB;16L") for tile in lower.tile]
    lower.load()
    high = tuple(value >> 8 for value in bare.transparent)
    low = tuple(value & 255 for value in bare.transparent)

    def mask(part: Image.Image, box: Box) -> Image.Image:
        same = (np.asarray(part) == high) & (np.asarray(lower.crop(box)) == low)
        return _mask(same.all(axis=-1))

    return mask


def _mask(transparent: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.where(transparent, np.uint8(0), np.uint8(255)))
