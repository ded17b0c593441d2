"""Find which part of one picture another picture shows, if it is a cropped or resized copy.

A hash of whole pictures survives new encodings and sizes, but not a crop: of PDQ's 256 bits, a crop
of 5 % at each side changes a third, and one of 10 % half, as for two unrelated pictures. So the
common part is found first. The center of one picture is searched in the other at several scales
(normalized cross-correlation), then the best place is refined.

Source of the refinement: G. Evangelidis, E. Psarakis, "Parametric Image Alignment Using Enhanced
Correlation Coefficient Maximization", IEEE TPAMI 30 (10), 2008; it is OpenCV's.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.duplicates.fingerprint import SIDE, Grey

COARSE = 32  # pixels a side while the place is searched
CENTER = slice(6, 26)  # of COARSE: the part that is searched; a crop seldom touches it
STEP, STEPS = 0.9, 3  # scales: 1, and three steps down to 0.73 and up to 1.37
SAME_ASPECT = 0.02  # a smaller difference of aspect ratios is lost in the refinement
FEWEST = 8  # pixels of the searched part along each side
LIKELY = 0.7  # least correlation of the searched part; that of copies is 0.85 or more
ITERATIONS, PRECISION = 30, 1e-4
MOST_SHEAR = 0.1  # a copy is neither turned nor sheared; the refinement is inexact
LEAST_PART = 0.4  # of each side of the first picture that the common part covers

Matrix = NDArray[np.float64]  # [2, 3]: maps pixels of the first fingerprint to the second


@dataclass(frozen=True, slots=True)
class Alignment:
    """The common part of two pictures: each as float32 [SIDE, SIDE], and the share of the picture
    that it is.
    """

    first: Grey
    second: Grey
    first_share: float
    second_share: float


def align(first: Grey, second: Grey, aspect: float) -> Alignment | None:
    """Return the common part, or None if the pictures have nothing in common.

    `aspect` is the ratio of width to height of the second image, divided by that of the first.
    """
    place = _search(first, second, aspect)
    matrix = None if place is None else _refine(first, second, place)
    if matrix is None or max(abs(matrix[0, 1]), abs(matrix[1, 0])) > MOST_SHEAR:
        return None
    return _common_part(first, second, matrix)


def _scales(aspect: float) -> Iterator[tuple[float, float]]:
    """Yield the width and height in the first picture, for those of the second: cropped without
    distortion, or squeezed to another aspect ratio.
    """
    for distortion in (1.0,) if abs(aspect - 1) < SAME_ASPECT else (1.0, aspect):
        for step in range(-STEPS, STEPS + 1):
            scale, stretch = STEP**step, math.sqrt(distortion)
            yield scale * stretch, scale / stretch


def _search(first: Grey, second: Grey, aspect: float) -> Matrix | None:
    import cv2

    size = COARSE, COARSE
    where = cv2.resize(first, size, interpolation=cv2.INTER_AREA)
    center = cv2.resize(second, size, interpolation=cv2.INTER_AREA)[CENTER, CENTER]
    length, best, place = CENTER.stop - CENTER.start, LIKELY, None
    for across, down in _scales(aspect):
        width, height = round(length * across), round(length * down)
        if not (FEWEST <= width <= COARSE and FEWEST <= height <= COARSE):
            continue
        part = cv2.resize(center, (width, height), interpolation=cv2.INTER_LINEAR)
        found = cv2.matchTemplate(where, part, cv2.TM_CCOEFF_NORMED)
        _, score, _, (left, top) = cv2.minMaxLoc(found)
        if score > best:
            best = score
            place = _matrix(width / length, left), _matrix(height / length, top)
    if place is None:
        return None
    (across, x), (down, y) = place
    return np.array([[across, 0, x], [0, down, y]])


def _matrix(scale: float, start: int) -> tuple[float, float]:
    """Return the factor and the offset from pixels of the first fingerprint to the second, whose
    center begins at `start` of the first; both offsets are those of the pixels' centers.
    """
    offset = (start - scale * CENTER.start) * SIDE / COARSE
    return 1 / scale, (0.5 - offset) / scale - 0.5


def _refine(first: Grey, second: Grey, place: Matrix) -> Matrix | None:
    import cv2

    criteria = cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, ITERATIONS, PRECISION
    start: Any = place.astype(np.float32)
    try:
        _, found = cv2.findTransformECC(first, second, start, cv2.MOTION_AFFINE, criteria)
    except cv2.error:  # it does not converge: the pictures differ
        return None
    return np.asarray(found, np.float64)


def _common_part(first: Grey, second: Grey, matrix: Matrix) -> Alignment | None:
    import cv2

    left, right = _overlap(matrix[0, 0], matrix[0, 1] * SIDE / 2 + matrix[0, 2])
    top, bottom = _overlap(matrix[1, 1], matrix[1, 0] * SIDE / 2 + matrix[1, 2])
    if min(right - left, bottom - top) < LEAST_PART * SIDE:
        return None
    steps = (np.arange(SIDE) + 0.5) / SIDE
    x, y = np.meshgrid(left + (right - left) * steps, top + (bottom - top) * steps)
    there = matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    u, v = there.reshape(2, SIDE, SIDE).astype(np.float32)
    share = float((right - left) * (bottom - top)) / SIDE**2
    return Alignment(
        _sampled(cv2, first, x.astype(np.float32), y.astype(np.float32)),
        _sampled(cv2, second, u, v),
        first_share=min(1.0, share),
        second_share=min(1.0, share * abs(float(np.linalg.det(matrix[:, :2])))),
    )


def _overlap(factor: float, offset: float) -> tuple[float, float]:
    """Return where the common part begins and ends along one side of the first fingerprint.

    Pixels are from -0.5 to SIDE - 0.5; a pixel `x` of the first is `factor * x + offset` of the
    second.
    """
    if factor <= 0:
        return 0.0, 0.0
    edges = (-0.5 - offset) / factor, (SIDE - 0.5 - offset) / factor
    return max(-0.5, edges[0]), min(SIDE - 0.5, edges[1])


def _sampled(cv2: Any, picture: Grey, x: Grey, y: Grey) -> Grey:
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)
