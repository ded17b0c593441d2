"""From candidates to results: one order out of several, bands of relevance."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

SMOOTHING = 60  # of reciprocal ranks; the value of the paper
CLEARLY_LESS = 0.12  # of a score: what is nearer together than this is in one band
HIGH, MEDIUM, LOW = "high", "medium", "low"
BANDS = (HIGH, MEDIUM, LOW)


def fuse(rankings: Sequence[Sequence[T]]) -> list[T]:
    """One ranking of all that stands in any of them. What ranks the same things in another way, a
    text encoder for example, joins here, for scores of different kinds cannot be compared.

    Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods", SIGIR 2009.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (SMOOTHING + rank)
    return sorted(scores, key=lambda item: -scores[item])


def bands(scores: Sequence[float], best: str = HIGH) -> list[str]:
    """The relevance of each score; they must fall. `best` is the band of the first.

    The breaks are where the scores themselves fall into groups: of all ways to cut them in three,
    the one with the least variance within the groups (Jenks' natural breaks). A group that is
    hardly below the one above it belongs to that.
    """
    if not scores:
        return []
    first, second = _breaks(np.asarray(scores, dtype=np.float64))
    level = BANDS.index(best)
    found: list[str] = []
    last = float(np.mean(scores[:first]))
    for start, end in ((0, first), (first, second), (second, len(scores))):
        if end > start:
            mean = float(np.mean(scores[start:end]))
            level += start > 0 and last - mean > CLEARLY_LESS
            found += [BANDS[min(level, len(BANDS) - 1)]] * (end - start)
            last = mean if start == 0 or last - mean > CLEARLY_LESS else last
    return found


def _breaks(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[int, int]:
    """Where the second and the third of three groups begin; they may be empty.

    The variance within groups is least where the sum of (sum of a group)² / (its size) is most.
    """
    count = len(scores)
    sums = np.concatenate([[0.0], np.cumsum(scores)])
    at = np.arange(1, count + 1)
    first, second = at[:, None], at[None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = sums[first] ** 2 / first
        gain = gain + np.where(
            second > first, (sums[second] - sums[first]) ** 2 / (second - first), 0
        )
        gain = gain + np.where(second < count, (sums[-1] - sums[second]) ** 2 / (count - second), 0)
    gain = np.where(second >= first, gain, -np.inf)
    best = int(np.argmax(gain))
    return best // count + 1, best % count + 1
