"""How good a ranking is."""

from collections.abc import Collection, Sequence
from math import log2
from uuid import UUID

FIRST = 10  # results that people look at


def found_first(ranking: Sequence[UUID], right: Collection[UUID]) -> float:
    """1 when a right image is among the first ten, else 0."""
    return float(any(image in right for image in ranking[:FIRST]))


def ndcg(ranking: Sequence[UUID], right: Collection[UUID]) -> float:
    """nDCG@10 with gains of 1 and 0: 1 when the first ten hold as many right images as they can.

    Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS
    20(4), 2002.
    """
    gained = sum(1 / log2(at + 2) for at, image in enumerate(ranking[:FIRST]) if image in right)
    return gained / sum(1 / log2(at + 2) for at in range(min(FIRST, len(right))))
