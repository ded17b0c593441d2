"""Which segments of an index are merged when rows are added to it.

Each tidying adds a segment with the new rows to every index, which costs as much as these rows,
however large the index is. Searches read all segments, so their number must stay small: the latest
ones are merged while they are not much larger than what is merged already. Sizes then grow
geometrically, an index of N rows has O(log N) segments, and each row is rewritten O(log N) times.

Source: J. L. Bentley, J. B. Saxe, "Decomposable searching problems I: Static-to-dynamic
transformation", Journal of Algorithms 1, 1980.
"""

from collections.abc import Mapping, Sequence
from typing import Any

RATIO = 3  # a segment that is larger by more than this is left as it is
LEAST = 1_000  # rows that are counted as new at least, so that tiny segments are always merged


def segments_to_merge(rows: Sequence[int], new: int) -> int:
    """Return how many of the latest segments to merge with `new` rows.

    `rows` are the rows of the segments, the oldest first.
    """
    merged, count = max(new, LEAST), 0
    for size in reversed(rows):
        if size > RATIO * merged:
            break
        merged += size
        count += 1
    return count


def merges(indexes: Sequence[Any], rows_of: Mapping[int, int]) -> dict[int, list[str]]:
    """Return the names of the indexes that lack rows, by the number of segments to merge.

    `indexes` are Lance's descriptions; `rows_of` the rows of each fragment of the table by its id.
    """
    found: dict[int, list[str]] = {}
    for index in indexes:
        segments = [set(segment.fragment_ids) & rows_of.keys() for segment in index.segments]
        new = sum(rows_of.values()) - sum(rows_of[id] for id in set().union(*segments))
        sizes = [sum(rows_of[id] for id in segment) for segment in segments]
        if new:
            found.setdefault(segments_to_merge(sizes, new), []).append(index.name)
    return found
