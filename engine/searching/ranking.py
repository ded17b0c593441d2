"""Combine rankings, and group scores into bands of relevance."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

SMOOTHING = 60  # constant of reciprocal rank fusion, from the paper
CLEARLY_LESS = 0.12  # minimum difference of scores in two bands
HIGH, MEDIUM, LOW = "high", "medium", "low"
BANDS = (HIGH, MEDIUM, LOW)


def fuse(rankings: Sequence[Sequence[T]]) -> list[T]:
    """Combine rankings whose scores cannot be compared into one ranking of all their items.

    Source: Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual
    Rank Learning Methods", SIGIR 2009.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (SMOOTHING + rank)
    return sorted(scores, key=lambda item: -scores[item])


def bands(scores: Sequence[float], best: str = HIGH) -> list[str]:
    """Return the relevance of each score; scores must be descending. `best` is the band of the
    first.

    The limits follow the scores themselves: of all ways to cut them in three groups, the one with
    the least variance within the groups (Jenks' natural breaks). A group hardly below the previous
    one joins its band.
    """
    if not scores:
        return []
    first, second = _breaks(np.asarray(scores, dtype=np.float64))
    level = BANDS.index(best)
    relevance: list[str] = []
    last = float(np.mean(scores[:first]))
    for start, end in ((0, first), (first, second), (second, len(scores))):
        if end > start:
            mean = float(np.mean(scores[start:end]))
            level += start > 0 and last - mean > CLEARLY_LESS
            relevance += [BANDS[min(level, len(BANDS) - 1)]] * (end - start)
            last = mean if start == 0 or last - mean > CLEARLY_LESS else last
    return relevance


def _breaks(scores: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[int, int]:
    """Return where the second and the third of three groups begin; groups may be empty.

    The variance within groups is least where the sum of (sum of a group)² / (its size) is largest.
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
