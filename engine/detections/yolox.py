"""Decoder `yolox`: one output [cells, 5 + classes] of the cells of three grids.

Source: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.detections.boxes import Candidates

STRIDES = (8, 16, 32)  # pixels of the square per cell, in the order of the grids


def decode(outputs: Sequence[NDArray[Any]], side: int, threshold: float) -> Candidates:
    """Return a box for each cell whose score is at least `threshold`.

    A row holds the center's offset from the cell's corner, in cells, the logarithms of width and
    height, in cells, the probability of an object, and that of each class. The score is that of the
    best class times that of an object.
    """
    [rows] = outputs
    classes = rows[:, 5:].argmax(axis=1)
    scores = rows[:, 4] * np.take_along_axis(rows[:, 5:], classes[:, None], axis=1)[:, 0]
    sure = np.flatnonzero(scores >= threshold)
    corners, strides = _cells(side)
    centers = (rows[sure, :2] + corners[sure]) * strides[sure]
    # No box is larger than the square; the limit keeps the power finite.
    halves = np.exp(np.minimum(rows[sure, 2:4], np.log(side))) * strides[sure] / 2
    boxes = np.concatenate([centers - halves, centers + halves], axis=1)
    return Candidates(boxes.astype(np.float32), scores[sure], classes[sure])


def _cells(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the corner [cells, 2] as x, y and the stride [cells, 1] of each cell, row by row."""
    corners, strides = [], []
    for stride in STRIDES:
        count = side // stride
        down, across = np.mgrid[:count, :count]
        corners.append(np.stack([across.ravel(), down.ravel()], axis=1))
        strides.append(np.full((count * count, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)
