"""Check that rings are valid together, as OGC's Simple Features define, to which GeoJSON refers.

Rings may meet in shared corners, as traced rings do, and nowhere else. Coordinates are compared
exactly, as whole numbers of thousandths.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from engine.outlines.shapes import DECIMALS, Ring, next_corners

_MOST_PAIRS = 1 << 20  # pairs of edges compared at once

Numbers = NDArray[np.int64]


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
    if len(rings) == 1 and _is_small_and_convex(rings[0]):
        return set()
    edges = _Edges(rings)
    found: set[int] = set()
    for one, other in edges.near():
        meeting = edges.meet_wrongly(one, other)
        found.update(edges.ring[one[meeting]].tolist())
        found.update(edges.ring[other[meeting]].tolist())
    return found


def _is_small_and_convex(ring: Ring) -> bool:
    """Return whether the ring has at most four corners and all turn the same way. With more
    corners, the ring may go round twice.
    """
    if len(ring) > 4:
        return False
    corners = np.rint(ring * 10**DECIMALS).astype(np.int64).tolist()
    turns = [
        (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        for (ax, ay), (bx, by), (cx, cy) in zip(
            corners, corners[1:] + corners[:1], corners[2:] + corners[:2], strict=True
        )
    ]
    return all(turn > 0 for turn in turns) or all(turn < 0 for turn in turns)


class _Edges:
    """The edges of rings."""

    def __init__(self, rings: Sequence[Ring]):
        whole = [np.rint(ring * 10**DECIMALS).astype(np.int64) for ring in rings]
        self.start = np.concatenate(whole)
        self.end = next_corners(whole)
        self.ring = np.repeat(np.arange(len(whole)), [len(ring) for ring in whole])
        self._low = np.minimum(self.start, self.end)
        self._high = np.maximum(self.start, self.end)

    def near(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield pairs of edges whose bounding boxes overlap, some of them several times."""
        edge, left, right = self._by_bands()
        first = np.arange(1, len(edge) + 1)
        for here, there in _pairs(first, np.searchsorted(left, right, "right")):
            one, other = edge[here], edge[there]
            level = (self._low[one, 1] <= self._high[other, 1]) & (
                self._low[other, 1] <= self._high[one, 1]
            )
            yield one[level], other[level]

    def _by_bands(self) -> tuple[Numbers, Numbers, Numbers]:
        """Return each edge once for every horizontal band that it touches, with its left and right
        end, all sorted by band and left end. The ends of different bands do not overlap.

        Bands are as high as an average edge, so that an edge is compared with few others.
        """
        low, high = self._low - self._low.min(axis=0), self._high - self._low.min(axis=0)
        height = int((high - low)[:, 1].mean()) + 1
        lowest, highest = low[:, 1] // height, high[:, 1] // height
        touched = highest - lowest + 1
        edge = np.repeat(np.arange(len(low)), touched)
        band = lowest[edge] + _counted(touched)
        width = int(high[:, 0].max()) + 1
        left, right = band * width + low[edge, 0], band * width + high[edge, 0]
        order = np.argsort(left, kind="stable")
        return edge[order], left[order], right[order]

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


def _pairs(first: Numbers, end: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the pairs of each index i with each of first[i] to end[i] - 1, in arrays of about
    _MOST_PAIRS.
    """
    counts = end - first
    total = np.cumsum(counts)
    at = 0
    while at < len(counts):
        done = total[at - 1] if at else 0
        stop = max(at + 1, int(np.searchsorted(total, done + _MOST_PAIRS, "right")))
        one = np.repeat(np.arange(at, stop), counts[at:stop])
        yield one, first[one] + _counted(counts[at:stop])
        at = stop


def _counted(counts: Numbers) -> Numbers:
    """Return 0 to n - 1 for each n of the counts."""
    numbers: Numbers = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return numbers


def _misplaced(rings: Sequence[Placed]) -> set[int]:
    """Return the rings in a wrong place, provided that none crosses another: exteriors within other
    polygons, holes outside of their polygon or within one another.
    """
    members: defaultdict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(rings):
        members[each.polygon].append(place)
    within = _contents(rings)
    found: set[int] = set()
    for number, places in members.items():
        # How many rings of the polygon another one lies in. 1: in the polygon, 2: in a hole of it.
        depth = Counter(chain.from_iterable(within[place] for place in places))
        wrong = {place for place in places if rings[place].is_hole and depth[place] != 1}
        for place, times in depth.items():
            each = rings[place]
            if times == 1 and not each.is_hole and each.polygon != number:
                wrong.add(place)
        if wrong:
            found.update(places, wrong)
    return found


def _contents(rings: Sequence[Placed]) -> defaultdict[int, list[int]]:
    """Return, for each ring that contains others, their indexes."""
    points = np.array([(each.ring[0] + each.ring[1]) / 2 for each in rings])
    low = np.array([each.ring.min(axis=0) for each in rings])
    high = np.array([each.ring.max(axis=0) for each in rings])
    order = np.argsort(points[:, 0], kind="stable")
    x = points[order, 0]
    within: defaultdict[int, list[int]] = defaultdict(list)
    first, end = np.searchsorted(x, low[:, 0]), np.searchsorted(x, high[:, 0], "right")
    for outer, at in _pairs(first, end):
        inner = order[at]
        y = points[inner, 1]
        near = (outer != inner) & (low[outer, 1] <= y) & (y <= high[outer, 1])
        for ring, point in zip(outer[near].tolist(), inner[near].tolist(), strict=True):
            if _is_within(points[point], rings[ring].ring):
                within[ring].append(point)
    return within


def _is_within(point: NDArray[np.float64], ring: Ring) -> bool:
    """Return whether a ray from the point to the right crosses the ring an odd number of times.
    The point must not lie on the ring.
    """
    above = ring[:, 1] > point[1]
    crossed = np.flatnonzero(above != np.concatenate([above[1:], above[:1]]))
    here, there = ring[crossed], ring[(crossed + 1) % len(ring)]
    slope = (there[:, 0] - here[:, 0]) / (there[:, 1] - here[:, 1])
    at = here[:, 0] + (point[1] - here[:, 1]) * slope
    return bool(np.count_nonzero(at > point[0]) % 2)
