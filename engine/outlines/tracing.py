"""Trace a mask to polygons along the edges of its pixels; filling them gives the mask again.

OpenCV's `findContours` instead runs through the centers of the outermost pixels, which loses half a
pixel on all sides.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.outlines.shapes import Polygon, Ring, signed_area

Labels = NDArray[np.int32]  # [height, width]: the number of a component, 0 for none
CORNERS = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])  # where the sides of a pixel start: x, y


@dataclass(frozen=True, slots=True)
class TracedObject:
    """An object: pixels of one class that touch each other, possibly only at a corner."""

    index: int  # class
    cells: int  # number of pixels of the mask
    polygons: tuple[Polygon, ...]  # in pixels of the mask, the largest first


def trace(mask: NDArray[Any], min_area: float = 0) -> list[TracedObject]:
    """Return the objects in a mask [height, width] of class indices up to 255; 0 is background.

    An object whose parts only touch at corners has a polygon for each part, and no ring crosses or
    touches itself. Parts of less than `min_area` pixels are left out.
    """
    small = np.ascontiguousarray(mask, np.uint8)
    classes = np.flatnonzero(np.bincount(small.ravel()))
    return [
        found
        for index in classes.tolist()
        if index
        for found in _of_class(index, (small == index).view(np.uint8), min_area)
    ]


def _of_class(index: int, mask: NDArray[np.uint8], min_area: float) -> Iterator[TracedObject]:
    _, parts, about, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    cells = about[:, cv2.CC_STAT_AREA]
    cells[0] = 0  # the background
    parts = np.where(cells >= max(1, min_area), np.arange(len(cells)), 0).astype(np.int32)[parts]
    _, objects = cv2.connectedComponents((parts != 0).view(np.uint8), connectivity=8)
    members: defaultdict[int, list[tuple[int, Polygon]]] = defaultdict(list)
    for (row, column), polygon in _polygons(parts):
        size = int(cells[parts[row, column]])
        members[int(objects[row, column])].append((size, polygon))
    for found in members.values():
        found.sort(key=lambda each: -each[0])
        yield TracedObject(
            index, sum(size for size, _ in found), tuple(polygon for _, polygon in found)
        )


def _polygons(parts: Labels) -> Iterator[tuple[tuple[int, int], Polygon]]:
    """Yield a polygon for each component of pixels that share sides, with (row, column) of one of
    them.

    Such a component has one exterior; every other ring along its sides is a hole.
    """
    exteriors: dict[int, tuple[tuple[int, int], Ring]] = {}
    holes: defaultdict[int, list[Ring]] = defaultdict(list)
    for place, ring in _rings(parts):
        part = int(parts[place])
        if signed_area(ring) > 0:
            exteriors[part] = (place, ring)
        else:
            holes[part].append(ring)
    for part, (place, exterior) in exteriors.items():
        yield place, Polygon(exterior, tuple(holes[part]))


def _rings(parts: Labels) -> Iterator[tuple[tuple[int, int], Ring]]:
    """Yield every ring of sides with pixels of the component on its right and none on its left."""
    padded = np.pad(parts, 1)
    width = padded.shape[1]
    pixels, sides, follower = _chain(padded)
    starts = pixels + CORNERS[sides] @ (1, width)
    is_corner = np.ones(len(pixels), bool)
    is_corner[follower] = sides != sides[follower]
    for cycle in _cycles(follower.tolist()):
        row, column = divmod(int(pixels[cycle[0]]), width)
        corners = starts[cycle][is_corner[cycle]].tolist()
        for ring in _without_touching(corners):
            points = np.array(ring)
            yield (row - 1, column - 1), np.stack([points % width, points // width], 1) - 1.0


def _chain(padded: Labels) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the sides of pixels without an adjacent pixel there: pixel (flat index), side, and the
    next side.

    Sides are numbered clockwise from the top, and are followed clockwise: the top one to the right.
    """
    width = padded.shape[1]
    inside = (padded != 0).ravel()
    ahead = np.array([1, width, -1, -width])
    outward = np.roll(ahead, 1)
    full = np.flatnonzero(inside)
    free = [full[~inside[full + step]] for step in outward]
    pixels = np.concatenate(free)
    sides = np.repeat(np.arange(4), [len(each) for each in free])
    number = np.empty((4, len(inside)), np.int32)
    number[sides, pixels] = np.arange(len(pixels))
    front = pixels + ahead[sides]
    beyond = front + outward[sides]
    # Around the pixel's own corner, straight on, or along the diagonal pixel.
    turns = np.where(~inside[front], 1, np.where(~inside[beyond], 0, 3))
    following = np.choose(turns, [front, pixels, pixels, beyond])
    return pixels, sides, number[(sides + turns) % 4, following]


def _cycles(follower: list[int]) -> Iterator[list[int]]:
    """Yield the cycles of a permutation."""
    for start in range(len(follower)):
        cycle, at = [], start
        while follower[at] >= 0:
            cycle.append(at)
            follower[at], at = -1, follower[at]
        if cycle:
            yield cycle


def _without_touching(corners: Sequence[int]) -> Iterator[list[int]]:
    """Yield a ring that passes a corner twice as two rings that meet there."""
    if len(set(corners)) == len(corners):
        yield list(corners)
        return
    walked: list[int] = []
    places: dict[int, int] = {}
    for corner in corners:
        if (place := places.get(corner)) is not None:
            yield walked[place:]
            for left in walked[place:]:
                del places[left]
            del walked[place:]
        places[corner] = len(walked)
        walked.append(corner)
    yield walked
