"""Strips: the lines of a page, cut out, straightened, and as high as the recognizer wants them."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.texts.regions import Corners

HEIGHT = 48
SHORTEST, LONGEST = 320, 3072  # pixels of a strip's width; longer lines are squeezed
PADDING = 128  # the recognizer's 0
UPRIGHT = 1.5  # from this ratio of height and width on, a line runs from top to bottom
MOST_AT_ONCE = 6_144  # pixels of width in one call: the output has 28 KB for every 8

Pixels = NDArray[np.uint8]  # RGB [height, width, 3]


def cut_strip(page: Pixels, corners: Corners) -> Pixels:
    """Return the strip [HEIGHT, width, 3] within the corners; one that runs from top to bottom is
    turned to the left.
    """
    top_left, top_right, bottom_right, bottom_left = corners
    across = _longer(top_right - top_left, bottom_right - bottom_left)
    down = _longer(bottom_left - top_left, bottom_right - top_right)
    if down >= UPRIGHT * across:
        corners, across, down = corners[[1, 2, 3, 0]], down, across
    size = int(across), int(down)
    target = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(np.ascontiguousarray(corners), target)
    straight = cv2.warpPerspective(
        page, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    width = int(np.clip(np.ceil(HEIGHT * size[0] / size[1]), 1, LONGEST))
    # Two steps, as PP-OCR takes them: spaces between words are recognized better than with one.
    return np.asarray(cv2.resize(straight, (width, HEIGHT)), np.uint8)


def batches(strips: Sequence[Pixels]) -> Iterator[tuple[list[int], list[Pixels]]]:
    """Yield (indices, strips padded to one width), so that strips of similar width share a call."""
    order = sorted(range(len(strips)), key=lambda place: strips[place].shape[1])
    chosen: list[int] = []
    for place in order:
        width = max(SHORTEST, strips[place].shape[1])
        if chosen and (len(chosen) + 1) * width > MOST_AT_ONCE:
            yield chosen, _padded(strips, chosen)
            chosen = []
        chosen.append(place)
    if chosen:
        yield chosen, _padded(strips, chosen)


def _padded(strips: Sequence[Pixels], chosen: Sequence[int]) -> list[Pixels]:
    width = max(SHORTEST, *(strips[place].shape[1] for place in chosen))
    padded = []
    for place in chosen:
        strip = np.full((HEIGHT, width, 3), PADDING, np.uint8)
        strip[:, : strips[place].shape[1]] = strips[place]
        padded.append(strip)
    return padded


def _longer(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return max(1.0, float(np.linalg.norm(one)), float(np.linalg.norm(other)))
