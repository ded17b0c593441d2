"""Whatever is asked for, the polygons of an outline are valid GeoJSON."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.models.letterbox import Frame
from engine.outlines.objects import find_objects
from engine.outlines.shapes import Polygon
from engine.outlines.simplify import simplify_together
from engine.outlines.tracing import trace
from engine.outlines.validity import Placed, faulty, is_simple
from tests.engine.outlines.outlined import Mask, bounded, masks, wish

LABELS = ["background", *(f"class {number}" for number in range(1, 21))]
SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]

Point = tuple[int, int]


def whole(ring: np.ndarray) -> list[Point]:
    return [(round(x * 1000), round(y * 1000)) for x, y in ring.tolist()]


def side(a: Point, b: Point, c: Point) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def on(a: Point, b: Point, c: Point) -> bool:
    """Whether c is on the edge from a to b."""
    within = min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(
        a[1], b[1]
    )
    return within and side(a, b, c) == 0


def cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def inside(ring: Sequence[Point], x: float, y: float) -> bool:
    found = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and ax + (y - ay) * (bx - ax) / (by - ay) > x:
            found = not found
    return found


def check(polygons: Sequence[Polygon]) -> None:
    """By comparing every edge with every other, as slowly as it is simple."""
    rings = [whole(ring) for polygon in polygons for ring in polygon.rings]
    edges = [
        (number, place, a, b)
        for number, ring in enumerate(rings)
        for place, (a, b) in enumerate(zip(ring, [*ring[1:], ring[0]], strict=True))
    ]
    for ring in rings:
        assert len(set(ring)) == len(ring) >= 3, "no corner twice"
    for (one, _, a, b), (other, _, c, d) in combinations(edges, 2):
        assert not cross(a, b, c, d), (one, other)
        corners = {a, b} & {c, d}
        for point, (start, end) in ((a, (c, d)), (b, (c, d)), (c, (a, b)), (d, (a, b))):
            assert point in corners or not on(start, end, point), (one, other)
    samples = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for _, place, a, b in edges if place == 0]
    owner = [
        (n, place > 0) for n, polygon in enumerate(polygons) for place in range(len(polygon.rings))
    ]
    for (number, is_hole), (x, y) in zip(owner, samples, strict=True):
        for n, polygon in enumerate(polygons):
            depth = sum(
                inside(whole(ring), x, y)
                for place, ring in enumerate(polygon.rings)
                if not (n == number and place == 0 and not is_hole)
            )
            if n == number and is_hole:
                continue  # its own ring goes through the sample
            assert depth != 1 or n == number, "an exterior within another polygon"
        if is_hole:
            assert inside(whole(polygons[number].exterior), x, y), "a hole outside"


@settings(bounded, max_examples=30)  # the comparison of all edges is slow
@given(
    masks(), st.sampled_from([0.1, 1.0, 3.7]), st.floats(0, 50), st.sampled_from([4, 5, 10, 500])
)
def test_whatever_is_asked_for_the_polygons_are_valid(
    mask: Mask, scale: float, tolerance: float, most: int
) -> None:
    height, width = mask.shape
    frame = Frame(max(1, round(width * scale)), max(1, round(height * scale)), width, height)
    for params in ({"tolerance": tolerance}, {}):
        for each in find_objects(
            mask, frame, LABELS, wish(min_area=0, max_vertices=most, **params)
        ):
            check(each.polygons)
            rings = [ring for polygon in each.polygons for ring in polygon.rings]
            assert all(len(ring) <= most for ring in rings)
            corners = np.concatenate(rings)
            assert corners.min() >= 0
            assert (corners.max(axis=0) <= (frame.width + 0.001, frame.height + 0.001)).all()


def comb(teeth: int, length: int) -> Mask:
    mask = np.zeros((length + 4, 4 * teeth + 3), np.int64)
    mask[1:-1, 1:-1] = 1
    for tooth in range(teeth):
        mask[2 : length + 1, 4 * tooth + 3 : 4 * tooth + 5] = 0
    return mask


@pytest.mark.parametrize("most", [4, 8, 100])
@pytest.mark.parametrize("tolerance", [0, 0.7, 1.5, 3, 50])
def test_holes_side_by_side_stay_apart_or_go(tolerance: float, most: int) -> None:
    [found] = trace(comb(8, 20))
    tolerances = [tolerance] * len(found.polygons)
    check(simplify_together(found.polygons, tolerances, most))


def test_what_is_traced_is_valid_and_stays_as_it_is() -> None:
    chequers = np.indices((12, 12)).sum(axis=0) % 2
    for mask in (comb(5, 9), chequers):
        [found] = trace(mask)
        check(found.polygons)
        exact = simplify_together(found.polygons, [0.0] * len(found.polygons), 10_000)
        for before, after in zip(found.polygons, exact, strict=True):
            assert all((x == y).all() for x, y in zip(before.rings, after.rings, strict=True))


def ring(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


@pytest.mark.parametrize(
    ("points", "simple"),
    [
        (SQUARE, True),
        ([(0, 0), (10, 10), (10, 0), (0, 10)], False),
        ([(0, 0), (10, 0), (5, 0), (5, 5)], False),
        ([(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)], False),
        ([(0, 0), (5, 5), (10, 0), (10, 10), (5, 5), (0, 10)], False),
        ([(0, 0), (5, 0), (10, 0), (10, 10)], True),
    ],
)
def test_a_ring_must_not_meet_itself(points: list[tuple[float, float]], simple: bool) -> None:
    assert is_simple(ring(*points)) is simple


@pytest.mark.parametrize(
    ("second", "is_hole", "same", "valid"),
    [
        ([(2, 2), (2, 4), (4, 4), (4, 2)], True, True, True),
        ([(2, 2), (2, 4), (4, 4), (4, 2)], False, False, False),
        ([(20, 2), (20, 4), (24, 4), (24, 2)], True, True, False),
        ([(20, 2), (24, 2), (24, 4), (20, 4)], False, False, True),
        ([(10, 10), (14, 10), (14, 14), (10, 14)], False, False, True),
        ([(10, 2), (14, 2), (14, 4), (10, 4)], False, False, False),
        ([(8, 2), (14, 2), (14, 4), (8, 4)], False, False, False),
        ([(0, 0), (2, 4), (4, 2)], True, True, True),
        ([(0, 5), (2, 6), (2, 4)], True, True, False),
    ],
)
def test_two_rings_must_be_where_they_may_be(
    second: list[tuple[float, float]], is_hole: bool, same: bool, valid: bool
) -> None:
    placed = [Placed(ring(*SQUARE), 0, False), Placed(ring(*second), 0 if same else 1, is_hole)]
    assert (faulty(placed) == set()) is valid
    assert faulty(placed) <= {0, 1}
