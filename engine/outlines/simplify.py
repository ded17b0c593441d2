"""Fewer corners: Douglas and Peucker's algorithm (1973), as OpenCV has it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine.outlines.shapes import Polygon, Ring, perimeter, rounded, signed_area
from engine.outlines.validity import Placed, faulty, is_simple

LEAST_SHARE = 0.95  # intersection over union that is kept where no tolerance is asked for
FARTHEST = 1.5  # pixels of the mask that an outline may then move: its steps vanish
GROWTH = 1.25  # from one tolerance that leaves too many corners to the next
REFINEMENTS = (0.5, 0.5, 0.25, 0.0)  # shares of the tolerance for rings that are in conflict
ENOUGH = 100  # of such steps: from a hundredth of a pixel to farther than any image is wide


def simplify(polygon: Polygon, tolerance: float, most: int) -> Polygon:
    """As `simplify_together` for a polygon alone."""
    return simplify_together([polygon], [tolerance], most)[0]


def simplify_together(
    polygons: Sequence[Polygon], tolerances: Sequence[float], most: int
) -> tuple[Polygon, ...]:
    """The polygons of an object, the largest first, less the corners within a tolerance of what
    remains, with `most` corners a ring, and valid: no ring crosses or contains what it must not.

    Tolerances are in the polygons' own unit; at 0 only a ring with too many corners changes. Where
    rings come into conflict they are simplified less. What is still in conflict, because `most`
    allows no better, is left out, and so is a hole without an area; the first exterior stays.
    """
    parts = [
        _Part(ring, number, place > 0, tolerance)
        for number, (polygon, tolerance) in enumerate(zip(polygons, tolerances, strict=True))
        for place, ring in enumerate(polygon.rings)
    ]
    changed = [part.reduce(most) for part in parts]
    parts = [part for part in parts if part.current is not None]
    if any(changed):  # what is traced is valid
        parts = _without_conflicts(_refined(parts, most))
    return _polygons(parts)


@dataclass(slots=True)
class _Part:
    """A ring of an object on its way to fewer corners."""

    ring: Ring
    polygon: int
    is_hole: bool
    tolerance: float
    current: Ring | None = None

    def reduce(self, most: int) -> bool:
        """Simplify the ring; tells whether it has changed."""
        found = _bounded(self.ring, self.tolerance, most)
        while found is None and not self.is_hole:
            self.tolerance /= 2
            found = _bounded(self.ring, self.tolerance, most)
        self.current = None if found is None else rounded(found)
        return found is not self.ring

    def placed(self) -> Placed:
        """The ring as it is now."""
        assert self.current is not None
        return Placed(self.current, self.polygon, self.is_hole)


def _refined(parts: list[_Part], most: int) -> list[_Part]:
    """The parts, those in conflict simplified less and less."""
    for share in REFINEMENTS:
        conflicting = faulty([part.placed() for part in parts])
        if not conflicting:
            break
        for place in conflicting:
            parts[place].tolerance *= share
            parts[place].reduce(most)
        parts = [part for part in parts if part.current is not None]
    return parts


def _without_conflicts(parts: list[_Part]) -> list[_Part]:
    """The parts, less those in conflict; of the first exterior alone its box, if need be."""
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
        if len(coarser) <= most and is_simple(coarser):
            return coarser
    return _box(ring)


def _approximate(ring: Ring, tolerance: float) -> Ring | None:
    if not tolerance:
        return ring
    # Relative to a corner of its own, 32 bits are more than enough.
    origin = ring[0]
    corners = (ring - origin).astype(np.float32)
    kept = cv2.approxPolyDP(corners, tolerance, closed=True)
    same_turn = cv2.contourArea(kept, True) * cv2.contourArea(corners, True) > 0
    if len(kept) < 3 or not same_turn:
        return None
    found: Ring = kept.reshape(-1, 2).astype(np.float64) + origin
    return found


def _box(ring: Ring) -> Ring:
    """The bounding box, turning as the ring does: what a ring with very few corners comes to."""
    (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return box if signed_area(ring) > 0 else box[::-1]
