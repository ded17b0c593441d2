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
from engine.searching.query_expansion import Asked

# What a field says of an image, at best. People's own words, and what a network is sure of, say
# most; a file's name may be anything.
LABEL, BROADER, OBJECT, POST, CAPTION, FILE = 1.0, 0.95, 0.9, 0.9, 0.75, 0.7
SYNONYM = 0.95  # of what the name itself would count
NAMED = (
    ("labels", LABEL, "label"),
    ("broader", BROADER, "broader term"),
    ("objects", OBJECT, "outlined"),
)
MOST_REASONS = 4


@dataclass(slots=True, eq=False)
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


@dataclass(frozen=True, slots=True)
class _Fit:
    """What a name has to do with the query: its worth by a term's number, when it is sure."""

    own: tuple[tuple[int, float], ...]
    related: tuple[tuple[int, float, str], ...]  # and for which words of the query it stands


class Judge:
    """Judges the candidates of one query; what it makes of a name it keeps, for many share it."""

    def __init__(self, asked: Asked, words_for: Words):
        self._asked = asked
        self._words = words_for
        self._fits: dict[str, _Fit] = {}

    def judge(self, hit: Hit) -> Candidate:
        """The candidate with its score, and its reasons, the best first."""
        count = len(self._asked.terms)
        best = [0.0] * count
        reasons: dict[str, float] = {}
        for number, value, reason in self._evidence(hit):
            best[number] = max(best[number], value)
            reasons[reason] = max(value, reasons.get(reason, 0.0))
        ordered = sorted(reasons, key=lambda reason: -reasons[reason])
        matched = sum(value > 0 for value in best) / count
        return Candidate(hit.id, round(sum(best) / count, 4), matched, ordered)

    def _evidence(self, hit: Hit) -> Iterator[tuple[int, float, str]]:
        """That the image has something to do with the term of this number: how much, and why."""
        known = decode(hit.known)
        for kind, worth, said in NAMED:
            for name, score in known[kind]:
                fit = self._fit(name)
                if fit.own or fit.related:
                    # By its root: one in ten is less, but still says something.
                    sure = worth * math.sqrt(score)
                    reason = f"{said} {name}"
                    yield from ((number, sure * share, reason) for number, share in fit.own)
                    for number, share, words in fit.related:
                        yield number, sure * share, f"{reason} (for {words})"
        for text, worth, reason in self._texts(hit):
            there = set(text.split())
            for number, term in enumerate(self._asked.terms):
                if term in there:
                    yield number, worth, reason

    def _texts(self, hit: Hit) -> Iterator[tuple[str, float, str]]:
        yield hit.texts["posts"], POST, "post"
        yield hit.texts["caption"], CAPTION, "caption"
        yield hit.texts["file_name"], FILE, "file name"

    def _fit(self, name: str) -> _Fit:
        if name not in self._fits:
            phrases = self._words.of(name)
            own = ((n, self._share(term, phrases)) for n, term in enumerate(self._asked.terms))
            self._fits[name] = _Fit(
                tuple((number, share) for number, share in own if share),
                tuple(self._related(name, phrases)),
            )
        return self._fits[name]

    def _share(self, term: str, phrases: Sequence[Phrase]) -> float:
        """Of the phrase that fits best: how many of its words were asked for."""
        asked = self._asked.terms
        fits = (
            (1.0 if number == 0 else SYNONYM) * sum(word in asked for word in phrase) / len(phrase)
            for number, phrase in enumerate(phrases)
            if term in phrase
        )
        return max(fits, default=0.0)

    def _related(self, name: str, phrases: Sequence[Phrase]) -> Iterator[tuple[int, float, str]]:
        for related in self._asked.related:
            if related.name == name or related.phrase in phrases:
                for number, term in enumerate(self._asked.terms):
                    if term in related.words:
                        yield number, related.weight, " ".join(related.words)
