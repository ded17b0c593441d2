"""How well an image answers a query: a score from 0 to 1, and what it matched.

BM25 finds the candidates among all images; here each is judged by what it says of the query's
terms: how sure the classifier is of a label, whether its whole name was asked for or a word of it,
and in which field a term stands. A term counts by its best evidence, the query by the mean of its
terms.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from engine.index.documents import Phrase, Words, decode
from engine.index.store import Hit
from engine.searching.asking import Asked

# What a field says of an image, at best. People's own words, and what a network is sure of, say
# most; a file's name may be anything.
LABEL, BROADER, OBJECT, POST, CAPTION, FILE = 1.0, 0.95, 0.9, 0.9, 0.75, 0.7
SYNONYM = 0.95  # of what the name itself would count
MOST_REASONS = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """That an image has something to do with a term."""

    value: float
    reason: str


@dataclass(slots=True)
class Candidate:
    """An image that may answer; `matched` is the share of the query's terms that it speaks of."""

    id: UUID
    score: float
    matched: float = 1.0
    reasons: list[str] = field(default_factory=list)

    @property
    def why(self) -> str:
        """The reasons in a line."""
        return "matched: " + ", ".join(self.reasons[:MOST_REASONS])


def judge(asked: Asked, hit: Hit, words_for: Words) -> Candidate:
    """The candidate with its score, and its reasons, the best first."""
    names = list(_names(hit, words_for))
    plain = [(text.split(), value, what) for text, value, what in _texts(hit)]
    best: list[Evidence] = []
    reasons: dict[str, float] = {}
    for term in asked.terms:
        found = [
            *_by_name(term, asked.terms, names),
            *(Evidence(value, what) for terms, value, what in plain if term in terms),
            *_by_related(term, asked, names),
        ]
        if found:
            best.append(max(found, key=lambda each: each.value))
            for each in found:
                reasons[each.reason] = max(each.value, reasons.get(each.reason, 0))
    score = sum(each.value for each in best) / len(asked.terms)
    ordered = sorted(reasons, key=lambda reason: -reasons[reason])
    return Candidate(hit.id, round(score, 4), len(best) / len(asked.terms), ordered)


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that the image has, its words, and its worth when all of it is asked for."""

    reason: str
    name: str
    phrases: Sequence[Phrase]
    value: float


def _names(hit: Hit, words_for: Words) -> Iterator[_Name]:
    known = decode(hit.known)
    for kind, worth in (("label", LABEL), ("broader", BROADER)):
        for name, score in known["labels" if kind == "label" else kind]:
            reason = f"label {name}" if kind == "label" else f"broader term {name}"
            # By its root: one in ten is less, but still says something.
            yield _Name(reason, name, words_for.of(name), worth * math.sqrt(score))
    for name in known["objects"]:
        yield _Name(f"outlined {name}", name, words_for.of(name), OBJECT)


def _texts(hit: Hit) -> Iterator[tuple[str, float, str]]:
    yield hit.texts["posts"], POST, "post"
    yield hit.texts["caption"], CAPTION, "caption"
    yield hit.texts["file_name"], FILE, "file name"


def _by_name(term: str, asked: Phrase, names: Sequence[_Name]) -> Iterator[Evidence]:
    """Of each name the phrase that fits best: the share of its words that were asked for."""
    for each in names:
        fits = [
            (1.0 if number == 0 else SYNONYM) * sum(word in asked for word in phrase) / len(phrase)
            for number, phrase in enumerate(each.phrases)
            if term in phrase
        ]
        if fits:
            yield Evidence(each.value * max(fits), each.reason)


def _by_related(term: str, asked: Asked, names: Sequence[_Name]) -> Iterator[Evidence]:
    for related in asked.related:
        if term in related.words:
            for each in names:
                if each.name == related.name or related.phrase in each.phrases:
                    said = " ".join(related.words)
                    reason = f"{each.reason} (for {said})"
                    yield Evidence(each.value * related.weight, reason)
