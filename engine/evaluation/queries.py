"""Queries for a gallery, and the images that are relevant to each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from engine.evaluation.labelled_photographs import Names, Photograph

TEMPLATES = ("two {}s in a picture", "my {} at home")


@dataclass(frozen=True, slots=True)
class Question:
    """A query and its relevant images."""

    query: str
    right: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Questions:
    """Queries of several kinds.

    `by_class`: the class name of each photograph, with that photograph as the only relevant image.
    All names are split at random into `voted` and `others`; `paraphrases` express the voted ones in
    other words.
    """

    by_class: Sequence[Question]
    voted: Sequence[Question]
    others: Sequence[Question]
    paraphrases: Sequence[Question]


def questions(images: Mapping[UUID, Photograph], seed: int) -> Questions:
    """Return queries for these images; equal seeds give equal queries."""
    right: defaultdict[Names, set[UUID]] = defaultdict(set)
    for id, photograph in images.items():
        for thing in photograph.things:
            right[thing].add(id)
    things = sorted(right)
    Random(seed).shuffle(things)
    half = len(things) // 2
    return Questions(
        by_class=[Question(p.things[0][0], frozenset({id})) for id, p in images.items()],
        voted=[Question(names[0], frozenset(right[names])) for names in things[:half]],
        others=[Question(names[0], frozenset(right[names])) for names in things[half:]],
        paraphrases=[
            Question(query, frozenset(right[names]))
            for names in things[:half]
            for query in _paraphrases(names)
        ],
    )


def _paraphrases(names: Names) -> list[str]:
    return [*names[1:], *(template.format(names[0]) for template in TEMPLATES)]
