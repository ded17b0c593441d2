"""Relevance feedback on vectors: towards what was liked, a little away from what was not.

Source: J. J. Rocchio, "Relevance feedback in information retrieval", in G. Salton (ed.), The SMART
Retrieval System, 1971; as in Manning, Raghavan, Schütze, "Introduction to Information Retrieval",
2008, section 9.1.1, whose weights these are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALPHA, BETA, GAMMA = 1.0, 0.75, 0.15
LOCAL = 8  # the power that cosines are raised to, so that what is near counts most

Vector = NDArray[np.float32]


def moved(
    start: Vector | None, liked: Sequence[Vector], disliked: Sequence[Vector]
) -> Vector | None:
    """α·start + β·(mean of liked) - γ·(mean of disliked), of length 1; None without a direction.

    `start` is where the query is, None where that is unknown; all are float32 [dimensions] of
    length 1.
    """
    parts = [(ALPHA, [start] if start is not None else []), (BETA, liked), (-GAMMA, disliked)]
    terms = [weight * np.mean(vectors, axis=0) for weight, vectors in parts if len(vectors)]
    return unit(np.sum(terms, axis=0)) if terms else None


def middle(vectors: Sequence[Vector]) -> Vector | None:
    """Their mean, of length 1; None of none."""
    return unit(np.mean(vectors, axis=0)) if len(vectors) else None


def unit(vector: Vector) -> Vector | None:
    """The vector at length 1; None for one of length 0."""
    norm = float(np.linalg.norm(vector))
    return (vector / norm).astype(np.float32) if norm > 0 else None


def agreement(
    vectors: Sequence[Vector], guides: Sequence[Vector], verdicts: Sequence[float]
) -> list[float]:
    """For each vector the mean of the guides' verdicts, from -1 to 1, of which those count most
    that are nearest: among guides with verdicts by chance it is about 0.
    """
    if not (len(vectors) and len(guides)):
        return [0.0] * len(vectors)
    nearness = np.maximum(np.stack(vectors) @ np.stack(guides).T, 1e-3) ** LOCAL
    return (nearness @ np.asarray(verdicts) / nearness.sum(axis=1)).tolist()  # type: ignore[no-any-return]
