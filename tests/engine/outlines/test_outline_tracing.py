"""Tracing and simplifying: what is filled again is the mask that was traced."""

from itertools import pairwise

import numpy as np
from hypothesis import given

from engine.models.letterbox import Frame
from engine.outlines.shapes import Polygon, Ring, signed_area
from engine.outlines.tracing import TracedObject, trace
from tests.engine.outlines.outlined import Mask, bounded, components, fill_polygons, masks
from tests.engine.outlines.outlined import real as real
from tests.engine.outlines.outlined import work as work


def union(found: list[TracedObject], index: int, mask: Mask) -> Mask:
    height, width = mask.shape
    filled = np.zeros(mask.shape, bool)
    for each in found:
        if each.index == index:
            filled |= fill_polygons(each.polygons, width, height)
    return filled


def check_exact(mask: Mask) -> None:
    found = trace(mask)
    assert {each.index for each in found} == set(np.unique(mask).tolist()) - {0}
    for index in {each.index for each in found}:
        assert (union(found, index, mask) == (mask == index)).all()


@bounded
@given(masks())
def test_polygons_along_the_edges_give_a_made_mask_back(mask: Mask) -> None:
    check_exact(mask)


def test_polygons_along_the_edges_give_a_real_mask_back(real: list[tuple[Mask, Frame]]) -> None:
    assert sum(bool(mask.any()) for mask, _ in real) >= 6
    for mask, _ in real:
        check_exact(mask)


@bounded
@given(masks())
def test_objects_are_what_touches_and_polygons_what_shares_sides(mask: Mask) -> None:
    found = trace(mask)
    for index in {each.index for each in found}:
        of_class = [each for each in found if each.index == index]
        objects = components(mask == index, diagonal=True)
        assert sorted(each.cells for each in of_class) == sorted(map(len, objects))
        for each in of_class:
            areas = [sum(map(signed_area, polygon.rings)) for polygon in each.polygons]
            assert sum(areas) == each.cells
            assert areas == sorted(areas, reverse=True)
        parts = components(mask == index, diagonal=False)
        assert sum(len(each.polygons) for each in of_class) == len(parts)


@bounded
@given(masks())
def test_no_ring_meets_itself_and_all_turn_the_right_way(mask: Mask) -> None:
    for each in trace(mask):
        for polygon in each.polygons:
            assert signed_area(polygon.exterior) > 0
            assert all(signed_area(hole) < 0 for hole in polygon.holes)
            for ring in polygon.rings:
                walked = [point for start, end in sides(ring) for point in between(start, end)]
                assert len(set(walked)) == len(walked), "goes through a point twice"


def sides(ring: Ring) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    points = [(int(x), int(y)) for x, y in ring.tolist()]
    return list(pairwise([*points, points[0]]))


def between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The grid points from `start` until before `end`, which lie on one line."""
    (x, y), (far_x, far_y) = start, end
    assert (x == far_x) != (y == far_y), "sides run along the grid, and have a length"
    steps = abs(far_x - x) + abs(far_y - y)
    across, down = (far_x - x) // steps, (far_y - y) // steps
    return [(x + across * step, y + down * step) for step in range(steps)]


def test_a_hole_is_a_hole_and_what_lies_in_it_another_object() -> None:
    mask = np.zeros((20, 20), np.int64)
    mask[2:18, 2:18], mask[5:15, 5:15], mask[8:12, 8:12] = 1, 0, 1
    outer, inner = sorted(trace(mask), key=lambda each: -each.cells)
    [polygon] = outer.polygons
    assert isinstance(polygon, Polygon)
    assert (len(polygon.holes), outer.cells) == (1, 256 - 100)
    assert polygon.exterior.tolist() == [[2, 2], [18, 2], [18, 18], [2, 18]]
    assert inner.polygons[0].exterior.tolist() == [[8, 8], [12, 8], [12, 12], [8, 12]]
