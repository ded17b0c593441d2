"""Broader terms of the ImageNet classes with their scores, for example cat, feline, animal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.models.labels import Label

LIMIT = 20  # maximum number of terms in a result


class BroaderTerms:
    """Sums up the scores of the classes below each term.

    It stores the pairs of a term and a class below it, in the order of the terms: a twentieth of a
    matrix of terms by classes.
    """

    def __init__(self, labels: Sequence[Label]):
        below: dict[str, list[int]] = {}
        for label in labels:
            for term in label.broader:
                below.setdefault(term.name, []).append(label.index)
        # The narrowest first: those with the fewest classes.
        self._names = sorted(below, key=lambda name: (len(below[name]), name))
        sizes = [len(below[name]) for name in self._names]
        self._classes = np.array([i for name in self._names for i in below[name]], dtype=np.intp)
        self._starts = np.cumsum([0, *sizes[:-1]])

    def of(self, scores: NDArray[np.float32], threshold: float) -> list[dict[str, Any]]:
        """Return the terms with a score of at least `threshold`, narrowest first; if more than
        LIMIT, those with the highest scores.

        `scores` are float32 [1000], the probabilities of the classes. A term's score is the sum
        over all classes below it, so a broader term never has a lower score.
        """
        sums = np.add.reduceat(scores[self._classes], self._starts)
        # At threshold 0, terms with a negligible score are left out too.
        sure = np.flatnonzero(sums >= max(threshold, 1e-6))
        if len(sure) > LIMIT:
            surest = np.argsort(-sums[sure], kind="stable")[:LIMIT]
            sure = np.sort(sure[surest])
        terms = zip(sure.tolist(), sums[sure].tolist(), strict=True)
        # Probabilities are rounded in the model's file, so they may add up to a little more than 1.
        return [
            {"name": self._names[index], "score": round(min(score, 1.0), 6)}
            for index, score in terms
        ]
