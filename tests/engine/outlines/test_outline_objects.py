"""Objects in the image's own pixels: how near to the mask they are, how few vertices they have."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.letterbox import Frame, frame_of
from engine.outlines.objects import find_objects
from engine.outlines.shapes import Outline, signed_area
from engine.outlines.simplify import simplify
from engine.outlines.tracing import trace
from tests.engine.outlines.outlined import Mask, bounded, fill, fill_polygons, iou, masks, wish
from tests.engine.outlines.outlined import real as real
from tests.engine.outlines.outlined import work as work

LABELS = ["background", *(f"class {number}" for number in range(1, 21))]


def upscaled(mask: Mask, frame: Frame) -> Mask:
    """The mask in the image's pixels: each has the class that its centre lies in."""
    across, down = frame.scale
    columns = ((np.arange(frame.width) + 0.5) / across).astype(int)
    rows = ((np.arange(frame.height) + 0.5) / down).astype(int)
    large: Mask = frame.crop(mask)[rows][:, columns]
    return large


def overlap(mask: Mask, frame: Frame, **params: float | None) -> list[float]:
    """How well each class is given back in the image's pixels."""
    found = find_objects(mask, frame, LABELS, wish(min_area=0, **params))
    truth = upscaled(mask, frame)
    return [
        iou(drawn([each for each in found if each.label == LABELS[index]], frame), truth == index)
        for index in np.unique(truth).tolist()
        if index
    ]


def drawn(found: list[Outline], frame: Frame) -> Mask:
    filled = np.zeros((frame.height, frame.width), bool)
    for each in found:
        filled |= fill_polygons(each.polygons, frame.width, frame.height)
    return filled


@bounded
@given(masks(), st.sampled_from([1.0, 1.7, 4.0]))
def test_made_masks_are_given_back_in_the_images_own_pixels(mask: Mask, scale: float) -> None:
    height, width = mask.shape
    frame = Frame(round(width * scale), round(height * scale), width, height)
    assert min(overlap(mask, frame, tolerance=0, max_vertices=10_000), default=1) >= 0.99
    assert min(overlap(mask, frame), default=1) >= 0.95


def test_real_masks_are_given_back_in_the_images_own_pixels(
    real: list[tuple[Mask, Frame]],
) -> None:
    for mask, frame in real:
        assert min(overlap(mask, frame, tolerance=0, max_vertices=10_000), default=1) >= 0.99
        # Specks, which are left out unless they are asked for, are hardly simplified.
        assert min(overlap(mask, frame), default=1) >= 0.95


def test_by_default_an_outline_has_few_vertices(real: list[tuple[Mask, Frame]]) -> None:
    for mask, frame in real:
        exact = find_objects(mask, frame, LABELS, wish(tolerance=0, max_vertices=10_000))
        default = find_objects(mask, frame, LABELS, wish())
        assert len(exact) == len(default)
        if exact and len(exact[0].vertices) > 700:
            assert len(default[0].vertices) < len(exact[0].vertices) / 4


@bounded
@given(masks(), st.floats(0, 50), st.integers(4, 40))
def test_whatever_is_asked_for_rings_are_short_and_have_an_area(
    mask: Mask, tolerance: float, most: int
) -> None:
    for each in trace(mask):
        for polygon in each.polygons:
            simplified = simplify(polygon, tolerance, most)
            assert signed_area(simplified.exterior) > 0
            assert all(signed_area(hole) < 0 for hole in simplified.holes)
            assert all(3 <= len(ring) <= most for ring in simplified.rings)


def test_a_larger_tolerance_leaves_fewer_vertices(real: list[tuple[Mask, Frame]]) -> None:
    mask, frame = max(real, key=lambda each: int((each[0] > 0).sum()))
    counts = [
        len(find_objects(mask, frame, LABELS, wish(tolerance=tolerance))[0].vertices)
        for tolerance in (1, 3, 10, 50)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] < counts[0] / 3


def test_tolerance_zero_still_keeps_to_max_vertices() -> None:
    row, column = np.indices((60, 60))
    mask = (np.hypot(row - 30, column - 30) < 25).astype(np.int64)
    [found] = trace(mask)
    for most in (4, 5, 16, 60):
        ring = simplify(found.polygons[0], 0, most).exterior
        assert 3 <= len(ring) <= most
        if most >= 16:
            assert iou(fill([ring], 60, 60), mask > 0) > 0.9


def test_specks_are_left_out() -> None:
    mask = np.zeros((40, 40), np.int64)
    mask[2:4, 2:4], mask[10:20, 10:20], mask[20, 20] = 1, 1, 1
    assert sorted(each.cells for each in trace(mask)) == [4, 101]
    assert [each.cells for each in trace(mask, min_area=4.5)] == [100], "and what hangs by a corner"
    frame = Frame(400, 400, 40, 40)
    [found] = find_objects(mask, frame, LABELS, wish(min_area=401))
    assert (found.area, found.bbox) == (10_000, [100, 100, 100, 100])
    assert find_objects(mask, frame, LABELS, wish(min_area=10_001)) == []


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000)])
def test_twelve_megapixels_take_no_longer_than_a_small_mask(
    real: list[tuple[Mask, Frame]], size: tuple[int, int]
) -> None:
    frame = frame_of(*size, 513)
    for mask, _ in real:
        spent = []
        for _ in range(5):
            start = time.thread_time()
            find_objects(mask, frame, LABELS, wish())
            spent.append(time.thread_time() - start)
        assert min(spent) < 0.1


@pytest.mark.parametrize(
    "size", [(1, 1), (513, 513), (10_000, 1), (1, 10_000), (4000, 3000), (128, 128), (7, 5)]
)
def test_an_image_of_any_aspect_fits_the_square(size: tuple[int, int]) -> None:
    frame = frame_of(*size, 513)
    assert max(frame.inner_width, frame.inner_height) == 513
    assert min(frame.inner_width, frame.inner_height) >= 1
    corner = np.array([(frame.inner_width, frame.inner_height)])
    assert frame.to_image(corner).tolist() == [pytest.approx(size)]
