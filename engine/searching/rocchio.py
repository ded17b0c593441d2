"""Relevance feedback on vectors: move the query towards liked images and slightly away from others.

Source: J. J. Rocchio, "Relevance feedback in information retrieval", in G. Salton (ed.), The SMART
Retrieval System, 1971; as in Manning, Raghavan, Schütze, "Introduction to Information Retrieval",
2008, section 9.1.1, which the weights are from.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALPHA, BETA, GAMMA = 1.0, 0.75, 0.15
LOCAL = 8  # exponent of cosines, so that near vectors weigh most

Vector = NDArray[np.float32]


def moved(
    start: Vector | None, liked: Sequence[Vector], disliked: Sequence[Vector]
) -> Vector | None:
    """Return α·start + β·(mean of liked) - γ·(mean of disliked) at length 1; None for a zero
    vector.

    `start` is the position of the query, None if unknown; all are float32 [dimensions] of length 1.
    """
    parts = [(ALPHA, [start] if start is not None else []), (BETA, liked), (-GAMMA, disliked)]
    terms = [weight * np.mean(vectors, axis=0) for weight, vectors in parts if len(vectors)]
    return unit(np.sum(terms, axis=0)) if terms else None


def middle(vectors: Sequence[Vector]) -> Vector | None:
    """Return the mean at length 1; None without vectors."""
    return unit(np.mean(vectors, axis=0)) if len(vectors) else None


def unit(vector: Vector) -> Vector | None:
    """Return the vector at length 1; None for a zero vector."""
    norm = float(np.linalg.norm(vector))
    return (vector / norm).astype(np.float32) if norm > 0 else None


def agreement(
    vectors: Sequence[Vector], guides: Sequence[Vector], verdicts: Sequence[float]
) -> list[float]:
    """Return for each vector the mean of the guides' verdicts, from -1 to 1, weighted by nearness.
    With random verdicts it is about 0.
    """
    if not (len(vectors) and len(guides)):
        return [0.0] * len(vectors)
    nearness = np.maximum(np.stack(vectors) @ np.stack(guides).T, 1e-3) ** LOCAL
    return (nearness @ np.asarray(verdicts) / nearness.sum(axis=1)).tolist()  # type: ignore[no-any-return]
