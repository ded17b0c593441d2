"""What is asked of a gallery, and which of its images are right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from engine.evaluation.labelled_photographs import Names, Photograph

TEMPLATES = ("two {}s in a picture", "my {} at home")


@dataclass(frozen=True, slots=True)
class Question:
    """A query and its right answers."""

    query: str
    right: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Questions:
    """`by_class`: the name of each photograph's class, with that photograph alone as the answer.

    All names of things are split by chance into `voted` and `others`; `paraphrases` ask for what is
    voted on in other words.
    """

    by_class: Sequence[Question]
    voted: Sequence[Question]
    others: Sequence[Question]
    paraphrases: Sequence[Question]


def questions(images: Mapping[UUID, Photograph], seed: int) -> Questions:
    """What to ask of these images, the same for the same seed."""
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
