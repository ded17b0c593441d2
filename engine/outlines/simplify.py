"""Fewer corners: Douglas and Peucker's algorithm (1973), as OpenCV has it."""

import cv2
import numpy as np

from engine.outlines.shapes import Polygon, Ring, perimeter, signed_area

LEAST_SHARE = 0.95  # intersection over union that is kept where no tolerance is asked for
FARTHEST = 1.5  # pixels of the mask that an outline may then move: its steps vanish
GROWTH = 1.25  # from one tolerance that leaves too many corners to the next
ENOUGH = 100  # of such steps: from a hundredth of a pixel to farther than any image is wide


def simplify(polygon: Polygon, tolerance: float, most: int) -> Polygon:
    """The polygon less the corners within `tolerance` of what remains, `most` corners a ring.

    `tolerance` is in the polygon's own unit; at 0 only a ring with too many corners changes. A
    hole that has no area any more is gone; an exterior is simplified less instead.
    """
    exterior = _bounded(polygon.exterior, tolerance, most)
    while exterior is None:
        tolerance /= 2
        exterior = _bounded(polygon.exterior, tolerance, most)
    simplified = (_bounded(hole, tolerance, most) for hole in polygon.holes)
    return Polygon(exterior, tuple(hole for hole in simplified if hole is not None))


def faithful_tolerance(polygon: Polygon, cell: float) -> float:
    """The tolerance that keeps LEAST_SHARE of the area; `cell` is the side of a mask's pixel.

    What is lost and gained lies within that distance of the rings: less than it times their
    length.
    """
    area = sum(map(signed_area, polygon.rings))
    return min(FARTHEST * cell, (1 - LEAST_SHARE) * area / perimeter(polygon.rings))


def _bounded(ring: Ring, tolerance: float, most: int) -> Ring | None:
    """At most `most` corners; None where nothing with an area is left at this tolerance."""
    found = _approximate(ring, tolerance)
    if found is None or len(found) <= most:
        return found
    for _ in range(ENOUGH):
        tolerance = max(0.01, tolerance * GROWTH)
        coarser = _approximate(ring, tolerance)
        if coarser is None:
            break
        if len(coarser) <= most:
            return coarser
    return _box(ring)


def _approximate(ring: Ring, tolerance: float) -> Ring | None:
    if not tolerance:
        return ring
    # Relative to a corner of its own, 32 bits are more than enough.
    origin = ring[0]
    kept = cv2.approxPolyDP((ring - origin).astype(np.float32), tolerance, closed=True)
    found: Ring = kept.reshape(-1, 2).astype(np.float64) + origin
    same_turn = signed_area(found) * signed_area(ring) > 0
    return found if len(found) >= 3 and same_turn else None


def _box(ring: Ring) -> Ring:
    """The bounding box, turning as the ring does: what a ring with very few corners comes to."""
    (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return box if signed_area(ring) > 0 else box[::-1]
