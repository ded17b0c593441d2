"""Fit an image into the square input of a model, by the fit in its manifest."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.models.catalogue import SQUASH, Fit

# An image that is longer than this, as a multiple of its shorter side, is covered by several
# squares. Of 1,000 photographs, 14 are; with a limit of 1.6 it would be every 16:9 photograph.
LONG = 2.0
MOST_SQUARES = 3

Box = tuple[float, float, float, float]


def needed_side(fit: Fit, side: int) -> int:
    """Return how many pixels the shorter side of an image needs to fill an input of `side`."""
    return math.ceil(side / fit.share)


def squares(image: Image.Image, fit: Fit, side: int) -> NDArray[np.uint8]:
    """Return the input for an image as uint8 RGB [squares, side, side, 3]: one square, or up to
    MOST_SQUARES of an image that is longer than LONG.

    Only the pixels within the squares are resized, by Pillow's antialiased bilinear filter: a
    triangle as wide as two of the new pixels.
    """
    return np.stack(
        [
            np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=box))
            for box in boxes(image.size, fit)
        ]
    )


def boxes(size: tuple[int, int], fit: Fit) -> list[Box]:
    """Return the left, top, right and bottom of each square of an image of this size."""
    width, height = size
    if fit.kind == SQUASH:
        return [(0, 0, width, height)]
    shorter, longer = min(size), max(size)
    length = min(longer, fit.stretch * shorter)
    count = 1 if longer <= LONG * shorter else min(MOST_SQUARES, math.ceil(longer / length))
    room = longer - length
    starts = [room * number / (count - 1) for number in range(count)] if count > 1 else [room / 2]
    along, across = length * (1 - fit.share) / 2, shorter * (1 - fit.share) / 2
    found = [(at + along, across, at + length - along, shorter - across) for at in starts]
    if width >= height:
        return found
    return [(left, start, right, end) for start, left, end, right in found]
