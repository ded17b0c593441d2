"""The picture in which the networks look for text."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STEP = 32  # the detector needs sides that are multiples of it
SHORTEST_SIDE = 736  # to which smaller pictures are enlarged, as PP-OCR does
LONGEST_SIDE = 4096
MOST_PIXELS = 1_638_400  # 1280 x 1280: the detector's memory grows with them
BACKGROUND = 0


@dataclass(frozen=True, slots=True)
class PageSize:
    """An image of width x height, drawn as inner_width x inner_height in the top left corner of a
    page.
    """

    width: int
    height: int
    inner_width: int
    inner_height: int

    def to_image(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert points [..., 2] as x, y from the page's pixels to those of the image, within the
        image.
        """
        size = np.array([self.width, self.height], np.float32)
        scale = size / np.array([self.inner_width, self.inner_height], np.float32)
        return np.clip(points * scale, 0, size)


def page_size(width: int, height: int) -> PageSize:
    """Return the size of the page for an image: its shorter side has at least SHORTEST_SIDE pixels
    unless that exceeds one of the maxima.
    """
    scale = min(
        max(1.0, SHORTEST_SIDE / min(width, height)),
        math.sqrt(MOST_PIXELS / (width * height)),
        LONGEST_SIDE / max(width, height),
    )
    return PageSize(width, height, max(1, round(width * scale)), max(1, round(height * scale)))


def draw(image: Image.Image, size: PageSize) -> NDArray[np.uint8]:
    """Return the page uint8 RGB [height, width, 3] with sides that are multiples of STEP: the whole
    image, possibly decoded at another scale, on black.
    """
    height, width = (-(-side // STEP) * STEP for side in (size.inner_height, size.inner_width))
    page = np.full((height, width, 3), BACKGROUND, np.uint8)
    inner = image.resize((size.inner_width, size.inner_height), Image.Resampling.BILINEAR)
    page[: size.inner_height, : size.inner_width] = np.asarray(inner)
    return page
