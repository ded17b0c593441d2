"""The parts of reading: regions, strips, characters, and the order of lines."""

import numpy as np
import pytest
from numpy.typing import NDArray

from common.tasks.read import LONGEST_LINE
from engine.texts import strips
from engine.texts.characters import alphabet_of, decode
from engine.texts.page import LONGEST_SIDE, MOST_PIXELS, STEP, page_size
from engine.texts.reading_order import reading_order
from engine.texts.regions import Corners, find_regions

ALPHABET = alphabet_of("a\nb\n\u202e\n\x1b\n\u3000\n\u200b")


def box(x: float, y: float, width: float, height: float) -> Corners:
    right, bottom = x + width, y + height
    return np.array([[x, y], [right, y], [right, bottom], [x, bottom]], np.float32)


def steps(*classes: int, score: float = 0.9) -> NDArray[np.float32]:
    """Probabilities whose best path has these classes."""
    values = np.full((len(classes), len(ALPHABET)), 0.001, np.float32)
    values[np.arange(len(classes)), list(classes)] = score
    return values


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ((0, 0, 0), ""),
        ((1, 1, 0, 1, 2, 2), "aab"),
        ((1, 7, 2), "a b"),
        ((7, 1, 7, 0, 7, 2, 7), "a b"),
        ((1, 3, 4, 6, 2), "ab"),
        ((1, 5, 2), "a b"),
    ],
)
def test_the_best_path_is_read(classes: tuple[int, ...], text: str) -> None:
    assert decode(steps(*classes), ALPHABET, LONGEST_LINE)[0] == text


def test_characters_that_are_not_displayed_are_left_out() -> None:
    assert ALPHABET == ["", "a", "b", "", "", " ", "", " "]


def test_the_score_is_the_mean_of_the_characters() -> None:
    both = np.concatenate([steps(1, score=0.8), steps(0, 0), steps(2, score=0.6)])
    assert decode(both, ALPHABET, LONGEST_LINE)[1] == pytest.approx(0.7)
    assert decode(steps(0), ALPHABET, LONGEST_LINE) == ("", 0.0)


def test_a_long_line_is_cut() -> None:
    text, _ = decode(steps(*[1, 0] * 300), ALPHABET, LONGEST_LINE)
    assert text == "a" * LONGEST_LINE


@pytest.mark.parametrize("size", [(60, 40), (1, 1), (3000, 1), (1, 12_000), (12_000, 3_300)])
def test_a_page_has_a_bounded_size(size: tuple[int, int]) -> None:
    page = page_size(*size)
    assert 1 <= page.inner_width <= LONGEST_SIDE
    assert 1 <= page.inner_height <= LONGEST_SIDE
    assert page.inner_width * page.inner_height <= MOST_PIXELS * 1.01
    corner = np.array([[page.inner_width + STEP, page.inner_height + STEP]], np.float32)
    assert page.to_image(corner).tolist() == [list(size)]


def test_a_region_grows_by_the_unclip_ratio() -> None:
    probabilities = np.zeros((200, 400), np.float32)
    probabilities[80:100, 100:300] = 0.9
    [found] = find_regions(probabilities)
    distance = 200 * 20 * 1.6 / (2 * 220)
    expected = box(100 - distance, 80 - distance, 200 + 2 * distance, 20 + 2 * distance)
    assert found == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("value", [0.2, 0.4])
def test_a_faint_or_tiny_region_is_no_text(value: float) -> None:
    probabilities = np.zeros((200, 400), np.float32)
    probabilities[80:100, 100:300] = value
    probabilities[10:11, 10:11] = 0.9
    assert find_regions(probabilities) == []


def test_rows_are_read_from_left_to_right() -> None:
    boxes = [box(300, 12, 80, 20), box(10, 60, 80, 20), box(10, 10, 80, 20), box(300, 58, 80, 20)]
    assert reading_order(boxes) == [2, 0, 1, 3]
    assert reading_order([]) == []


def test_a_tall_word_does_not_join_the_row_below() -> None:
    assert reading_order([box(10, 0, 300, 60), box(10, 70, 100, 20)]) == [0, 1]


def test_rows_follow_the_slope_of_their_lines() -> None:
    """Rows that fall by 100 pixels, 50 pixels apart: by height alone they would be mixed."""

    def slanted(x: float, y: float) -> Corners:
        return box(x, y, 200, 20) + np.array([[0, 0], [0, 20], [0, 20], [0, 0]], np.float32)

    boxes = [slanted(x, 50 * row + x / 10) for row in range(3) for x in (0, 500, 1000)]
    order = [7, 2, 0, 5, 8, 3, 1, 6, 4]
    found = reading_order([boxes[place] for place in order])
    assert [order[place] for place in found] == list(range(9))


def test_a_strip_is_as_wide_as_its_line() -> None:
    page = np.zeros((200, 400, 3), np.uint8)
    page[40:60, 50:250] = 255
    strip = strips.cut_strip(page, box(50, 40, 200, 20))
    assert strip.shape == (48, 480, 3)
    assert strip[4:-4, 4:-4].min() > 250


def test_a_line_from_top_to_bottom_is_turned_to_the_left() -> None:
    page = np.zeros((400, 200, 3), np.uint8)
    page[50:100, 40:60] = 255  # the upper end
    strip = strips.cut_strip(page, box(40, 50, 20, 200))
    assert strip.shape == (48, 480, 3)
    assert strip[24, 10:100].min() > 250
    assert strip[24, -300:].max() < 5


def test_strips_of_a_call_have_one_width_and_a_bounded_sum() -> None:
    widths = [100, 3000, 321, 50, 2000, 700, 2500, 330] * 5
    given = [np.zeros((48, width, 3), np.uint8) for width in widths]
    seen: list[int] = []
    for places, padded in strips.batches(given):
        assert len({strip.shape for strip in padded}) == 1
        assert len(places) * padded[0].shape[1] <= strips.MOST_AT_ONCE
        seen += places
    assert sorted(seen) == list(range(len(widths)))
