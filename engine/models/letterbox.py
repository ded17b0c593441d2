"""Place an image with its aspect ratio in the square input of a model, and convert coordinates and
masks back to the image's pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.images.formats import read_start
from engine.decoding.decoder import Decoder
from engine.models.fit import CENTER, TOP_LEFT


@dataclass(frozen=True, slots=True)
class Frame:
    """An image of width x height, drawn as inner_width x inner_height in a square, from the pixel
    `left`, `top` on.
    """

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int = 0
    top: int = 0

    @property
    def scale(self) -> tuple[float, float]:
        """The width and height of one of the square's pixels, in pixels of the image."""
        return self.width / self.inner_width, self.height / self.inner_height

    def to_image(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert points [n, 2] as x, y from the square's pixels to those of the image."""
        return (points - (self.left, self.top)) * self.scale

    def crop(self, mask: NDArray[np.integer]) -> NDArray[np.integer]:
        """Return the part of the square [side, side] that contains the image."""
        bottom, right = self.top + self.inner_height, self.left + self.inner_width
        return mask[self.top : bottom, self.left : right]


@dataclass(frozen=True, slots=True)
class Letterboxed:
    """The network's input uint8 [side, side, 3], and the position of the image in it."""

    pixels: NDArray[np.uint8]
    frame: Frame


def decode_letterboxed(
    decoder: Decoder, data: bytes, side: int, gray: int, place: str = TOP_LEFT
) -> Letterboxed:
    """Return the whole image of a file, upright, with its own aspect ratio, in a square of `side`
    pixels; raises InputFault if it cannot be decoded.
    """
    width, height = read_start(data).upright_size
    frame = frame_of(width, height, side, place)
    with decoder.decoded(data, frame.inner_width, frame.inner_height) as image:
        return Letterboxed(fill(image, frame, side, gray), frame)


def frame_of(width: int, height: int, side: int, place: str = TOP_LEFT) -> Frame:
    """Return the position of an image of that size in a square of `side` pixels, as large as it
    fits.
    """
    longer = max(width, height)
    inner_width = max(1, round(width * side / longer))
    inner_height = max(1, round(height * side / longer))
    if place != CENTER:
        return Frame(width, height, inner_width, inner_height)
    left, top = (side - inner_width) // 2, (side - inner_height) // 2
    return Frame(width, height, inner_width, inner_height, left, top)


def fill(image: Image.Image, frame: Frame, side: int, gray: int) -> NDArray[np.uint8]:
    """Return the network's input uint8 [side, side, 3]: the whole image, possibly decoded at a
    smaller scale, in its frame, on a background of this gray.
    """
    square = np.full((side, side, 3), gray, np.uint8)
    inner = image.resize((frame.inner_width, frame.inner_height), Image.Resampling.BILINEAR)
    frame.crop(square)[:] = np.asarray(inner)
    return square
