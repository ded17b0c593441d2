"""The order in which the lines of a page are read."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.texts.regions import Corners

SAME_ROW = 0.5  # of the lower line's height: the maximum distance of centers in one row
LONG = 2.0  # from this ratio of width and height on, a line shows the page's slope


@dataclass(slots=True)
class _Placed:
    """A line on the page turned upright; `place` is its index."""

    place: int
    x: float
    y: float
    height: float


def reading_order(regions: Sequence[Corners]) -> list[int]:
    """Return the indices of the regions in reading order: rows from top to bottom, and from left to
    right in a row, along the median slope of the long lines.

    A region belongs to a row if its center is as high as that of the row's nearest region, so a row
    may bend.
    """
    if not regions:
        return []
    slope = _slope(regions)
    rows: list[list[_Placed]] = []
    for line in sorted((_placed(n, each, slope) for n, each in enumerate(regions)), key=_y):
        row = next((row for row in reversed(rows[-3:]) if _is_in_row(line, row)), None)
        if row is None:
            rows.append([line])
        else:
            row.append(line)
    rows.sort(key=lambda row: sum(map(_y, row)) / len(row))
    return [line.place for row in rows for line in sorted(row, key=lambda line: line.x)]


def _y(line: _Placed) -> float:
    return line.y


def _is_in_row(line: _Placed, row: Sequence[_Placed]) -> bool:
    nearest = min(row, key=lambda other: abs(other.x - line.x))
    return abs(line.y - nearest.y) < SAME_ROW * min(line.height, nearest.height)


def _placed(place: int, corners: Corners, slope: float) -> _Placed:
    x, y = corners.mean(axis=0)
    height = float(np.linalg.norm(corners[3] - corners[0]))
    cosine, sine = np.cos(slope), np.sin(slope)
    return _Placed(place, float(x * cosine + y * sine), float(y * cosine - x * sine), height)


def _slope(regions: Sequence[Corners]) -> float:
    """Return the median angle of the long lines in radians; 0 without one."""
    edges = [(each[1] - each[0], each[3] - each[0]) for each in regions]
    angles = [
        np.arctan2(top[1], top[0])
        for top, left in edges
        if np.linalg.norm(top) >= LONG * np.linalg.norm(left)
    ]
    return float(np.median(angles)) if angles else 0.0
