"""The network's square input, and the way back from its mask to the image's own pixels.

The image keeps its aspect, in the upper left corner, with grey beside it or below, as in the
network's training. Squashed to a square the network misses much: over 24 crops of
`dog_segmentation.bmp`, to between half and three quarters of its width or height, the mean
intersection over union with the true mask is 0.92 with grey and 0.69 squashed. Black is as good
there (0.93), but frames `sunflower.bmp` so that it is taken for a television.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.outlines.shapes import Ring

GREY = 127  # the mean of the values that the network was trained on


@dataclass(frozen=True, slots=True)
class Frame:
    """An image of width x height, drawn as inner_width x inner_height in a square's corner."""

    width: int
    height: int
    inner_width: int
    inner_height: int

    @property
    def scale(self) -> tuple[float, float]:
        """How many of the image's pixels one of the square's is wide and high."""
        return self.width / self.inner_width, self.height / self.inner_height

    def to_image(self, ring: Ring) -> Ring:
        """A ring in the square's pixels in those of the image."""
        return ring * self.scale

    def crop(self, mask: NDArray[np.integer]) -> NDArray[np.integer]:
        """The part of the square [side, side] that the image takes."""
        return mask[: self.inner_height, : self.inner_width]


def frame_of(width: int, height: int, side: int) -> Frame:
    """Where an image of that size goes in a square of `side` pixels: as large as it can be."""
    longer = max(width, height)
    return Frame(
        width, height, max(1, round(width * side / longer)), max(1, round(height * side / longer))
    )


def fill(image: Image.Image, frame: Frame, side: int) -> NDArray[np.uint8]:
    """The network's input uint8 [side, side, 3]: the whole image, perhaps decoded at a smaller
    scale, in its frame."""
    square = np.full((side, side, 3), GREY, np.uint8)
    inner = image.resize((frame.inner_width, frame.inner_height), Image.Resampling.BILINEAR)
    square[: frame.inner_height, : frame.inner_width] = np.asarray(inner)
    return square
