"""Regions of text in the detector's map of probabilities: differentiable binarization (Liao et al.
2020, "Real-time Scene Text Detection with Differentiable Binarization"), as PP-OCR uses it.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

THRESHOLD = 0.3  # of a pixel
MIN_MEAN = 0.5  # of the probabilities in a region
UNCLIP = 1.6  # how far regions grow: the network learns to find shrunken ones
MOST_REGIONS = 1000
MIN_SIDE, MIN_GROWN_SIDE = 3.0, 5.0  # pixels

Corners = NDArray[np.float32]  # [4, 2]: top left, top right, bottom right, bottom left, as x, y


def find_regions(probabilities: NDArray[np.float32]) -> list[Corners]:
    """Return the regions of text in a map float32 [height, width], in its pixels, in no order."""
    above = (probabilities > THRESHOLD).astype(np.uint8)
    mask = cv2.dilate(above, np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = (_region(contour, probabilities) for contour in contours[:MOST_REGIONS])
    return [corners for corners in found if corners is not None]


def _region(contour: NDArray[Any], probabilities: NDArray[np.float32]) -> Corners | None:
    center, (width, height), angle = cv2.minAreaRect(contour)
    if min(width, height) < MIN_SIDE:
        return None
    if _mean(probabilities, cv2.boxPoints((center, (width, height), angle))) < MIN_MEAN:
        return None
    # A rectangle grown by `distance` on all sides encloses the rounded polygon of the paper.
    distance = width * height * UNCLIP / (2 * (width + height))
    grown = width + 2 * distance, height + 2 * distance
    if min(grown) < MIN_GROWN_SIDE:
        return None
    return _in_order(np.asarray(cv2.boxPoints((center, grown, angle)), np.float32))


def _mean(probabilities: NDArray[np.float32], corners: NDArray[Any]) -> float:
    """Return the mean probability within the corners."""
    limit = np.array(probabilities.shape[::-1]) - 1
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, limit).astype(int)
    inside = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(inside, [(corners - (left, top)).astype(np.int32)], 1)
    part = np.ascontiguousarray(probabilities[top : bottom + 1, left : right + 1])
    return float(cv2.mean(part, inside)[0])


def _in_order(corners: Corners) -> Corners:
    """Return the corners of a rectangle from top left clockwise: two of them are left."""
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    top_left, bottom_left = left[np.argsort(left[:, 1], kind="stable")]
    top_right, bottom_right = right[np.argsort(right[:, 1], kind="stable")]
    return np.array([top_left, top_right, bottom_right, bottom_left], np.float32)
