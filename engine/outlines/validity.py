"""Check that rings are valid together, as OGC's Simple Features define, to which GeoJSON refers.

Rings may meet in shared corners, as traced rings do, and nowhere else. Coordinates are compared
exactly, as whole numbers of thousandths.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.outlines.shapes import DECIMALS, Ring

_MOST_PAIRS = 1 << 20  # pairs of edges compared at once

Numbers = NDArray[np.int64]
Axis = NDArray[np.float64]  # the x or the y of points


@dataclass(frozen=True, slots=True)
class Placed:
    """A rounded ring, and the number of its polygon."""

    ring: Ring
    polygon: int
    is_hole: bool


def is_simple(ring: Ring) -> bool:
    """Return whether the ring neither crosses nor touches itself."""
    return not _crossings([ring])


def faulty(rings: Sequence[Placed]) -> set[int]:
    """Return the indexes of the rings that make the polygons invalid; empty if all are valid."""
    crossing = _crossings([each.ring for each in rings])
    return crossing or (_misplaced(rings) if len(rings) > 1 else set())


def _crossings(rings: Sequence[Ring]) -> set[int]:
    """Return the rings that cross, overlap or touch another one or themselves."""
    edges = _Edges(rings)
    found: set[int] = set()
    for one, other in edges.near():
        meeting = edges.meet_wrongly(one, other)
        found.update(edges.ring[one[meeting]].tolist())
        found.update(edges.ring[other[meeting]].tolist())
    return found


class _Edges:
    """The edges of rings, sorted by their left ends."""

    def __init__(self, rings: Sequence[Ring]):
        whole = [np.rint(ring * 10**DECIMALS).astype(np.int64) for ring in rings]
        start = np.concatenate(whole)
        end = np.concatenate([np.roll(ring, -1, axis=0) for ring in whole])
        order = np.argsort(np.minimum(start[:, 0], end[:, 0]), kind="stable")
        self.start, self.end = start[order], end[order]
        self.ring = np.repeat(np.arange(len(whole)), [len(ring) for ring in whole])[order]
        self._low = np.minimum(self.start, self.end)
        self._high = np.maximum(self.start, self.end)

    def near(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield pairs of edges whose bounding boxes overlap."""
        left, right = self._low[:, 0], self._high[:, 0]
        first = np.arange(1, len(left) + 1)
        counts = np.searchsorted(left, right, "right") - first
        total = np.cumsum(counts)
        at = 0
        while at < len(counts):
            done = total[at - 1] if at else 0
            stop = max(at + 1, int(np.searchsorted(total, done + _MOST_PAIRS, "right")))
            here = counts[at:stop]
            one = np.repeat(np.arange(at, stop), here)
            skipped = np.repeat(np.cumsum(here) - here, here)
            other = np.arange(len(one)) - skipped + first[one]
            level = (self._low[one, 1] <= self._high[other, 1]) & (
                self._low[other, 1] <= self._high[one, 1]
            )
            yield one[level], other[level]
            at = stop

    def meet_wrongly(self, one: Numbers, other: Numbers) -> NDArray[np.bool_]:
        """Return which of these pairs have a common point other than a corner that they
        may share.
        """
        a, b, c, d = self.start[one], self.end[one], self.start[other], self.end[other]
        c_side, d_side = _side(a, b, c), _side(a, b, d)
        a_side, b_side = _side(c, d, a), _side(c, d, b)
        meet = (c_side * d_side <= 0) & (a_side * b_side <= 0)
        straight = (c_side == 0) & (d_side == 0)
        follow = (b == c).all(1) | (d == a).all(1)
        share = follow | (a == c).all(1) | (b == d).all(1)
        # Collinear edges that share a corner may point in opposite directions, but not overlap.
        shared = np.where((b == c).all(1)[:, None] | (b == d).all(1)[:, None], b, a)
        one_arm, other_arm = a + b - 2 * shared, c + d - 2 * shared
        along = straight & ((one_arm * other_arm).sum(1) > 0)
        allowed = share & ~along & (follow | (self.ring[one] != self.ring[other]))
        result: NDArray[np.bool_] = meet & ~allowed
        return result


def _side(start: Numbers, end: Numbers, point: Numbers) -> Numbers:
    """Return 1 for points on one side of a line, -1 on the other, 0 on it."""
    along, away = end - start, point - start
    sides: Numbers = np.sign(along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
    return sides


def _misplaced(rings: Sequence[Placed]) -> set[int]:
    """Return the rings in a wrong place, provided that none crosses another: exteriors within other
    polygons, holes outside of their polygon or within one another.
    """
    points = _Points(np.array([(each.ring[0] + each.ring[1]) / 2 for each in rings]))
    polygon = np.array([each.polygon for each in rings])
    is_hole = np.array([each.is_hole for each in rings])
    members: dict[int, list[int]] = {}
    for place, each in enumerate(rings):
        members.setdefault(each.polygon, []).append(place)
    found: set[int] = set()
    for number, places in members.items():
        own = is_hole & (polygon == number)
        depth = np.zeros(len(rings), np.int64)  # 1: in the polygon, 2: in a hole of it
        for place in places:
            inside = points.within(rings[place].ring)
            depth[inside[inside != place]] += 1
        wrong = np.where(own, depth != 1, ~is_hole & (polygon != number) & (depth == 1))
        if wrong.any():
            found.update(places)
            found.update(np.flatnonzero(wrong).tolist())
    return found


class _Points:
    """Points, sorted by x so that those near a ring are found quickly."""

    def __init__(self, points: NDArray[np.float64]):
        self._order = np.argsort(points[:, 0], kind="stable")
        self._x, self._y = points[self._order].T

    def within(self, ring: Ring) -> Numbers:
        """Return the indexes of the points within a ring; the points must not lie on it."""
        (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
        first, last = np.searchsorted(self._x, left), np.searchsorted(self._x, right, "right")
        level = self._y[first:last]
        near: Numbers = np.flatnonzero((level >= top) & (level <= bottom)) + first
        if not len(near):
            return near
        (x, y), (far_x, far_y) = ring.T, np.concatenate([ring[1:], ring[:1]]).T
        inside = [self._is_within(place, x, y, far_x, far_y) for place in near.tolist()]
        places: Numbers = self._order[near[inside]]
        return places

    def _is_within(self, place: int, x: Axis, y: Axis, far_x: Axis, far_y: Axis) -> bool:
        """Return whether a ray from the point to the right crosses the edges an odd
        number of times.
        """
        px, py = self._x[place], self._y[place]
        crossed = np.flatnonzero((y > py) != (far_y > py))
        at = x[crossed] + (py - y[crossed]) * (far_x[crossed] - x[crossed]) / (
            far_y[crossed] - y[crossed]
        )
        return bool(np.count_nonzero(at > px) % 2)
