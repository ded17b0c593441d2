"""A made gallery: documents as the index has them, with labels as a classifier gives them.

A photograph shows a class; the classifier is sure of it, or less, or of another one that is like
it, as often as MobileNetV2 is (83 in 100 right, one of five in 96). Vectors lie around their
class's.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.database.ids import new_id
from engine.index.documents import Document, ImageFacts, Words, encode, texts_of
from engine.models.broader_terms import BroaderTerms
from engine.models.labels import Label, load_imagenet
from engine.tasks.classify import LEAST_KEPT, MOST_KEPT

DIMENSIONS = 1024
MODEL = "mobilenet_v1_1.0_224_embedding@quant"
BROADER = 0.05  # least score of a broader term
SPREAD = 0.6  # of the vectors around their class's
RIGHT, AMONG_FIVE = 0.83, 0.96  # how often the best label, and one of five, is right


@dataclass(frozen=True, slots=True)
class Shot:
    """A photograph: its class, and the labels and vector that are stored for it."""

    shown: Label
    document: Document


class Gallery:
    """Photographs by a seed."""

    def __init__(self, seed: int):
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)
        self._labels = load_imagenet()
        self._words = Words()
        self._broader = BroaderTerms(self._labels)
        self._alike = _alike(self._labels)
        self._centres = self._unit((len(self._labels), DIMENSIONS))

    def continue_with(self, seed: int) -> None:
        """Make the photographs of another seed from now on; the classes keep their vectors."""
        self._random = random.Random(seed)
        self._noise = np.random.default_rng(seed)

    def shots(self, shown: Iterator[Label] | Sequence[Label]) -> Iterator[Shot]:
        """A photograph of each of these."""
        for label in shown:
            scores = self._scores(label)
            yield Shot(label, self._document(label, scores))

    def any_labels(self, count: int) -> Iterator[Label]:
        """As many classes, any of them."""
        return (self._random.choice(self._labels) for _ in range(count))

    def _scores(self, shown: Label) -> NDArray[np.float32]:
        """Probabilities of all classes: a few alike share what the best one leaves."""
        others = self._random.sample(self._alike[shown.index], 9)
        luck = self._random.random()
        place = 0 if luck < RIGHT else self._random.randrange(1, 5) if luck < AMONG_FIVE else 20
        order = [*others[:place], shown.index, *others[place:]][:MOST_KEPT]
        best = self._random.betavariate(3, 1) * (0.95 if place == 0 else 0.6)
        shares = best * 0.45 ** np.arange(len(order))
        scores = np.zeros(len(self._labels), np.float32)
        scores[order] = shares / max(1.0, float(shares.sum()))
        return scores

    def _document(self, shown: Label, scores: NDArray[np.float32]) -> Document:
        best = [int(i) for i in np.argsort(-scores)[:MOST_KEPT] if scores[i] >= LEAST_KEPT]
        names = [(self._labels[i].name, round(float(scores[i]), 4)) for i in best]
        broader = [(t["name"], t["score"]) for t in self._broader.of(scores, BROADER)]
        known = ImageFacts(
            labels=names,
            broader=broader,
            caption=f"Probably a {names[0][0]}." if names else "",
            file_name=f"IMG_{self._random.randrange(10_000):04}.jpg",
        )
        vector = self._centres[shown.index] + SPREAD * self._unit((DIMENSIONS,))
        vector /= np.linalg.norm(vector)
        return Document(
            id=new_id(),
            owner=None,
            public=True,
            read_at=1,
            texts=texts_of(known, self._words),
            known=encode(known),
            vectors={MODEL: vector.astype("<f4").tobytes()},
        )

    def _unit(self, shape: tuple[int, ...]) -> NDArray[Any]:
        found = self._noise.standard_normal(shape, np.float32)
        unit: NDArray[Any] = found / np.linalg.norm(found, axis=-1, keepdims=True)
        return unit


def _alike(labels: Sequence[Label]) -> list[list[int]]:
    """For each class those it is mistaken for: most share its nearest broader term."""
    below: dict[str, list[int]] = {}
    for label in labels:
        for term in label.broader:
            below.setdefault(term.name, []).append(label.index)
    everything = list(range(len(labels)))
    found = []
    for label in labels:
        near: dict[int, None] = {}
        for term in label.broader:
            near |= dict.fromkeys(i for i in below[term.name] if i != label.index)
            if len(near) >= 20:
                break
        ranked = [*near][:40]
        found.append(ranked if len(ranked) >= 9 else [*ranked, *everything[50:70]])
    return found
