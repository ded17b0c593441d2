"""Fit an image into the square input of a model, by the fit in its manifest."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.models.fit import LETTERBOX, SHORTEST, SQUASH, Fit
from engine.models.letterbox import fill, frame_of
from engine.pixels import OVERSAMPLING

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
    MOST_SQUARES of an image that is longer than LONG and of which a crop is taken.
    """
    if fit.kind == LETTERBOX:
        frame = frame_of(*image.size, side, fit.place)
        return fill(image, frame, side, fit.fill)[np.newaxis]
    if fit.kind == SHORTEST:
        [box] = boxes(image.size, fit)
        resized = image.resize((side, side), Image.Resampling.BICUBIC, box)
        return np.asarray(resized, np.uint8)[np.newaxis]
    return np.stack([_resized(image, box, side) for box in boxes(image.size, fit)])


def _resized(image: Image.Image, box: Box, side: int) -> NDArray[np.uint8]:
    """Return the pixels within `box` as uint8 RGB [side, side, 3].

    They are averaged in whole blocks as long as OVERSAMPLING pixels remain for each new one. The
    rest is plain bilinear interpolation, as the networks were trained with: it takes a quarter of
    the time of Pillow's antialiased filter, and of 1,000 photographs, one of each class of
    ImageNet, the classifier names 917 instead of 891.
    """
    import cv2  # with the first picture, because it takes 16 MB

    left, top = round(box[0]), round(box[1])
    right, bottom = max(left + 1, round(box[2])), max(top + 1, round(box[3]))
    inside, least = (left, top, right, bottom), OVERSAMPLING * side
    blocks = max(1, int((right - left) / least)), max(1, int((bottom - top) / least))
    part = image.crop(inside) if blocks == (1, 1) else image.reduce(blocks, inside)
    resized = cv2.resize(np.asarray(part), (side, side), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def boxes(size: tuple[int, int], fit: Fit) -> list[Box]:
    """Return the left, top, right and bottom of each square of an image of this size."""
    width, height = size
    if fit.kind == SQUASH:
        return [(0, 0, width, height)]
    shorter, longer = min(size), max(size)
    length = min(longer, fit.stretch * shorter)
    is_single = fit.kind == SHORTEST or longer <= LONG * shorter
    count = 1 if is_single else min(MOST_SQUARES, math.ceil(longer / length))
    room = longer - length
    starts = [room * number / (count - 1) for number in range(count)] if count > 1 else [room / 2]
    along, across = length * (1 - fit.share) / 2, shorter * (1 - fit.share) / 2
    found = [(at + along, across, at + length - along, shorter - across) for at in starts]
    if width >= height:
        return found
    return [(left, start, right, end) for start, left, end, right in found]
