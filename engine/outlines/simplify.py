"""Reduce the corners of rings by Douglas and Peucker's algorithm (1973), as implemented
by OpenCV.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.outlines.shapes import Polygon, Ring, perimeter, rounded, signed_area
from engine.outlines.validity import Placed, faulty, is_simple

MIN_OVERLAP = 0.95  # intersection over union that the default tolerance keeps
FARTHEST = 1.5  # maximum default tolerance in pixels of the mask, which removes its steps
GROWTH = 1.25  # factor between tolerances while a ring has too many corners
REFINEMENTS = (0.5, 0.5, 0.25, 0.0)  # factors of the tolerance of conflicting rings, in turn
FINEST = 0.25  # of the shortest edge: a lower tolerance removes no corner of a traced ring
ENOUGH = 100  # steps, from less than a pixel to more than the width of any image


def simplify(polygon: Polygon, tolerance: float, limit: int) -> Polygon:
    """Simplify a single polygon like `simplify_together`."""
    return simplify_together([polygon], [tolerance], limit)[0]


def simplify_together(
    polygons: Sequence[Polygon], tolerances: Sequence[float], limit: int
) -> tuple[Polygon, ...]:
    """Return the polygons of an object, the largest first, without the corners within a tolerance
    of the remaining ring, with at most `limit` corners per ring. The result is valid: no ring
    crosses or contains another one that it must not.

    Tolerances are in the polygons' own unit; at 0 only rings with too many corners change.
    Conflicting rings are simplified less. Rings that still conflict because of `limit` are left
    out, and so are holes without an area; the first exterior always stays.
    """
    parts = [
        _Part(ring, number, place > 0, tolerance)
        for number, (polygon, tolerance) in enumerate(zip(polygons, tolerances, strict=True))
        for place, ring in enumerate(polygon.rings)
    ]
    changed = [part.reduce(limit) for part in parts]
    parts = [part for part in parts if part.current is not None]
    if any(changed):  # traced rings are valid
        parts = _without_conflicts(_refined(parts, limit))
    return _polygons(parts)


@dataclass(slots=True)
class _Part:
    """A ring of an object while it is being simplified."""

    ring: Ring
    polygon: int
    is_hole: bool
    tolerance: float
    current: Ring | None = None

    def reduce(self, limit: int) -> bool:
        """Simplify the ring; return whether it has changed."""
        # A tolerance of the ring's extent leaves no area, and so does any larger one.
        self.tolerance = min(self.tolerance, float(np.ptp(self.ring, axis=0).max()))
        found = _bounded(self.ring, self.tolerance, limit)
        while found is None and not self.is_hole:
            self.tolerance /= 2
            found = _bounded(self.ring, self.tolerance, limit)
        self.current = None if found is None else rounded(found)
        return found is not self.ring

    def placed(self) -> Placed:
        """Return the ring in its current form."""
        assert self.current is not None
        return Placed(self.current, self.polygon, self.is_hole)


def _refined(parts: list[_Part], limit: int) -> list[_Part]:
    """Return the parts after simplifying conflicting ones less and less."""
    for share in REFINEMENTS:
        conflicting = faulty([part.placed() for part in parts])
        if not conflicting:
            break
        for place in conflicting:
            parts[place].tolerance *= share
            parts[place].reduce(limit)
        parts = [part for part in parts if part.current is not None]
    return parts


def _without_conflicts(parts: list[_Part]) -> list[_Part]:
    """Return the parts without conflicting ones; if only the first exterior is left, it becomes its
    bounding box when needed.
    """
    while conflicting := faulty([part.placed() for part in parts]):
        first = parts[0]
        if conflicting == {0} or len(parts) == 1:
            first.current = rounded(_box(first.ring))
            return [first]
        gone = {parts[place].polygon for place in conflicting if not parts[place].is_hole} - {0}
        parts = [
            part
            for place, part in enumerate(parts)
            if place == 0 or (place not in conflicting and part.polygon not in gone)
        ]
    return parts


def _polygons(parts: Sequence[_Part]) -> tuple[Polygon, ...]:
    exteriors: dict[int, Ring] = {}
    holes: defaultdict[int, list[Ring]] = defaultdict(list)
    for part in parts:
        if part.current is None:
            continue
        if part.is_hole:
            holes[part.polygon].append(part.current)
        else:
            exteriors[part.polygon] = part.current
    return tuple(Polygon(ring, tuple(holes[number])) for number, ring in exteriors.items())


def faithful_tolerance(polygon: Polygon, cell: float) -> float:
    """Return the tolerance that keeps MIN_OVERLAP of the area; `cell` is the side of a pixel of the
    mask.

    The lost and gained area lies within that distance of the rings, so it is less than the distance
    times their length.
    """
    area = sum(map(signed_area, polygon.rings))
    return min(FARTHEST * cell, (1 - MIN_OVERLAP) * area / perimeter(polygon.rings))


def _bounded(ring: Ring, tolerance: float, limit: int) -> Ring | None:
    """Return the ring with at most `limit` corners; None if no area is left at this tolerance."""
    if not tolerance and len(ring) <= limit:
        return ring
    # Relative to one of the ring's corners, 32 bits are precise enough.
    corners = (ring - ring[0]).astype(np.float32)
    area = cv2.contourArea(corners, True)
    found = _approximate(ring, corners, area, tolerance) if tolerance else ring
    if found is None or len(found) <= limit:
        return found
    tolerance = max(tolerance, FINEST * _shortest(ring))
    for _ in range(ENOUGH):
        tolerance *= GROWTH
        coarser = _approximate(ring, corners, area, tolerance)
        if coarser is None:
            break
        if len(coarser) <= limit and is_simple(coarser):
            return coarser
    return _box(ring)


def _approximate(
    ring: Ring, corners: NDArray[np.float32], area: float, tolerance: float
) -> Ring | None:
    """Return the ring without the corners within the tolerance; None if it has no area left, or
    turns the other way. `corners` are the ring's, relative to its first one, and `area` is their
    signed area.
    """
    kept = cv2.approxPolyDP(corners, tolerance, closed=True)
    if len(kept) < 3 or cv2.contourArea(kept, True) * area <= 0:
        return None
    simplified: Ring = kept.reshape(-1, 2).astype(np.float64) + ring[0]
    return simplified


def _shortest(ring: Ring) -> float:
    """Return the length of the shortest edge."""
    return float(np.hypot(*np.diff(ring, axis=0, append=ring[:1]).T).min())


def _box(ring: Ring) -> Ring:
    """Return the bounding box in the ring's direction, for a ring that may have very few
    corners.
    """
    (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return box if signed_area(ring) > 0 else box[::-1]
