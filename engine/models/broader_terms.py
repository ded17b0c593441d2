"""Broader terms of the ImageNet classes with how sure a model is of each: cat, feline, animal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.models.labels import Label

MOST = 20  # terms of an answer


class BroaderTerms:
    """Sums of the classes' scores below each term.

    Kept are the pairs of a term and a class below it, in the order of the terms: a twentieth of
    what a matrix of terms by classes would hold.
    """

    def __init__(self, labels: Sequence[Label]):
        below: dict[str, list[int]] = {}
        for label in labels:
            for term in label.broader:
                below.setdefault(term.name, []).append(label.index)
        # The narrowest first: those above the fewest classes.
        self._names = sorted(below, key=lambda name: (len(below[name]), name))
        sizes = [len(below[name]) for name in self._names]
        self._classes = np.array([i for name in self._names for i in below[name]], dtype=np.intp)
        self._starts = np.cumsum([0, *sizes[:-1]])

    def of(self, scores: NDArray[np.float32], threshold: float) -> list[dict[str, Any]]:
        """The terms whose score is at least `threshold`, the narrowest first; of more than MOST
        the surest. `scores` are float32 [1000], the probabilities of the classes.

        A score is the sum over all classes below the term, so a wider one is never less sure.
        """
        sums = np.add.reduceat(scores[self._classes], self._starts)
        # What is next to nothing is none, also at threshold 0.
        sure = np.flatnonzero(sums >= max(threshold, 1e-6))
        if len(sure) > MOST:
            surest = np.argsort(-sums[sure], kind="stable")[:MOST]
            sure = np.sort(sure[surest])
        found = zip(sure.tolist(), sums[sure].tolist(), strict=True)
        # Rounded in the model's file, probabilities may add up to a little more than 1.
        return [
            {"name": self._names[index], "score": round(min(score, 1.0), 6)}
            for index, score in found
        ]
