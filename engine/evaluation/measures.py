"""Measures of a ranking's quality."""

from collections.abc import Collection, Sequence
from math import log2
from uuid import UUID

FIRST = 10  # results that count


def found_first(ranking: Sequence[UUID], right: Collection[UUID]) -> float:
    """Return 1 if a relevant image is among the first ten, else 0."""
    return float(any(image in right for image in ranking[:FIRST]))


def ndcg(ranking: Sequence[UUID], right: Collection[UUID]) -> float:
    """Return nDCG@10 with gains of 1 and 0: 1 if the first ten contain as many relevant images as
    possible.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS
    20(4), 2002.
    """
    gained = sum(1 / log2(at + 2) for at, image in enumerate(ranking[:FIRST]) if image in right)
    return gained / sum(1 / log2(at + 2) for at in range(min(FIRST, len(right))))
