"""Which segments are merged: few remain, and each row is rewritten a few times at most."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

from engine.index.segments import LEAST, RATIO, merges, segments_to_merge


@pytest.mark.parametrize(
    ("rows", "new", "merged"),
    [
        ([], 10, 0),
        ([1_000_000], 10, 0),
        ([1_000_000, 900], 10, 1),
        ([1_000_000, 40_000, 3_000], LEAST, 1),
        ([1_000_000, 12_000, 3_000], LEAST, 2),
        ([1_000_000], 400_000, 1),
        ([20, 30], 10, 2),
    ],
)
def test_segments_are_merged_that_are_not_much_larger(
    rows: list[int], new: int, merged: int
) -> None:
    assert segments_to_merge(rows, new) == merged


@pytest.mark.parametrize("new", [100, 1_000, 5_000])
def test_an_index_that_grows_keeps_few_segments_and_rewrites_rows_seldom(new: int) -> None:
    segments: list[int] = []
    rewritten = most = 0
    for _ in range(1_000_000 // new):
        count = segments_to_merge(segments, new)
        merged = new + sum(segments[len(segments) - count :])
        segments[len(segments) - count :] = [merged]
        rewritten += merged
        most = max(most, len(segments))
    assert sum(segments) == 1_000_000
    assert most <= 6
    assert rewritten / 1_000_000 < (RATIO + 1) * 6 + LEAST / new * 2
    assert all(older > RATIO * newer for older, newer in pairwise(segments) if newer >= LEAST)


def test_each_index_is_given_the_rows_that_it_lacks() -> None:
    rows_of = {1: 100_000, 2: 500, 3: 40}
    complete, behind, empty = index("a", {1}, {2, 3}), index("b", {1}, {2, 9}), index("c", set())
    assert merges([complete, behind, empty], rows_of) == {1: ["b", "c"]}
    assert merges([complete], {}) == {}


def index(name: str, *segments: set[int]) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, segments=[SimpleNamespace(fragment_ids=each) for each in segments]
    )
