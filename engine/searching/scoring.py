"""Score how well an image matches a query, from 0 to 1, with the reasons.

BM25 finds the candidates among all images; here each is scored by what its document contains of the
query's terms: the score of a label, whether the query contains its whole name or one word of it,
and in which field a term occurs. A term counts by its best evidence, the query by the mean of its
terms.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from engine.index.documents import Phrase, Words, decode
from engine.index.store import Hit
from engine.searching.languages.readings import WordGroup
from engine.searching.query_expansion import ParsedQuery

# The maximum weight of each field. Users' own words and certain labels weigh most; a file name may
# be unrelated to the image.
LABEL, BROADER, OBJECT, POST, TEXT, CAPTION, FILE = 1.0, 0.95, 0.9, 0.9, 0.85, 0.75, 0.7
MOST_REASONS = 4  # of a search result
MOST_WORDS = 8  # of the query in a reason
SYNONYM = 0.95  # weight of a synonym relative to the name itself
NAMED = (
    ("labels", LABEL, "label"),
    ("broader", BROADER, "broader term"),
    ("objects", OBJECT, "outlined"),
    ("detected", OBJECT, "detected"),
)


@dataclass(slots=True, eq=False)
class Candidate:
    """An image that may match; `matched` is the share of the query's terms that it contains."""

    id: UUID
    score: float
    matched: float = 1.0
    reasons: list[str] = field(default_factory=list)

    @property
    def why(self) -> str:
        """The reasons in one line."""
        return "matched: " + ", ".join(self.reasons[:MOST_REASONS])


@dataclass(frozen=True, slots=True)
class _Fit:
    """How a name matches the query: by term number, its weight for a score of 1."""

    own: tuple[tuple[int, float], ...]
    related: tuple[
        tuple[int, float, str], ...
    ]  # with the query's words that the name is related to


class Scorer:
    """Scores the candidates of one query, and caches how names match it, since candidates share
    names.
    """

    def __init__(self, query: ParsedQuery, words_for: Words):
        self._query = query
        self._terms = query.terms
        self._translated = _translated_terms(query)
        self._words = words_for
        self._fits: dict[str, _Fit] = {}

    def score(self, hit: Hit) -> Candidate:
        """Return the candidate with its score and its reasons, the strongest first."""
        best = dict.fromkeys(self._terms, 0.0)
        reasons: dict[str, float] = {}
        for number, value, reason in self._evidence(hit):
            term = self._terms[number]
            best[term] = max(best[term], value)
            reasons[reason] = max(value, reasons.get(reason, 0.0))
        ordered = sorted(reasons, key=lambda reason: -reasons[reason])
        scored = [(weight, *_best_reading(group, best)) for weight, group in _weighed(self._query)]
        count = sum(weight for weight, _, _ in scored)
        score = sum(weight * value for weight, value, _ in scored) / count
        matched = sum(weight * share for weight, _, share in scored) / count
        return Candidate(hit.id, round(score, 4), matched, ordered)

    def _evidence(self, hit: Hit) -> Iterator[tuple[int, float, str]]:
        """Yield (term number, value, reason) for each match."""
        known = decode(hit.known)
        for kind, worth, label in NAMED:
            for name, score in known.get(kind, ()):
                fit = self._fit(name)
                if fit.own or fit.related:
                    # The square root keeps a score of 0.1 relevant.
                    value = worth * math.sqrt(score)
                    reason = f"{label} {name}"
                    for number, share in fit.own:
                        word = self._translated.get(self._terms[number])
                        yield number, value * share, f"{reason} (for {word})" if word else reason
                    for number, share, words in fit.related:
                        yield number, value * share, f"{reason} (for {words})"
        for text, worth, reason in self._texts(hit):
            text_terms = set(text.split())
            for number, term in enumerate(self._terms):
                if term in text_terms:
                    yield number, worth, reason
        yield from self._read(hit)

    def _read(self, hit: Hit) -> Iterator[tuple[int, float, str]]:
        """Yield a match for each term in the text of the image, with all of them as the reason."""
        text_terms = set(hit.texts["text"].split())
        found = {n: term for n, term in enumerate(self._terms) if term in text_terms}
        spelled = (self._query.spelled.get(term, term) for term in found.values())
        reason = "text: " + " ".join(islice(spelled, MOST_WORDS))
        for number in found:
            yield number, TEXT, reason

    def _texts(self, hit: Hit) -> Iterator[tuple[str, float, str]]:
        yield hit.texts["posts"], POST, "post"
        yield hit.texts["caption"], CAPTION, "caption"
        yield hit.texts["file_name"], FILE, "file name"

    def _fit(self, name: str) -> _Fit:
        if name not in self._fits:
            phrases = self._words.of(name)
            own = ((n, self._share(term, phrases)) for n, term in enumerate(self._terms))
            self._fits[name] = _Fit(
                tuple((number, share) for number, share in own if share),
                tuple(self._related(name, phrases)),
            )
        return self._fits[name]

    def _share(self, term: str, phrases: Sequence[Phrase]) -> float:
        """Return the share of the best matching phrase's words that the query contains."""
        query_terms = self._terms
        fits = (
            (1.0 if number == 0 else SYNONYM)
            * sum(word in query_terms for word in phrase)
            / len(phrase)
            for number, phrase in enumerate(phrases)
            if term in phrase
        )
        return max(fits, default=0.0)

    def _related(self, name: str, phrases: Sequence[Phrase]) -> Iterator[tuple[int, float, str]]:
        for related in self._query.related:
            if related.name == name or related.phrase in phrases:
                for number, term in enumerate(self._terms):
                    if term in related.words:
                        yield number, related.weight, " ".join(related.words)


def _weighed(query: ParsedQuery) -> Iterator[tuple[int, WordGroup]]:
    """Yield the groups of a query with the number of words in each."""
    for group in query.groups:
        yield len(group.segments) or len(group.terms), group


def _best_reading(group: WordGroup, best: Mapping[str, float]) -> tuple[float, float]:
    """Return the value and the matched share of a group: those of its own terms, or of the
    readings of its segments, whichever value is higher.
    """
    own = _mean(group.terms, best)
    if not group.segments:
        return own
    readings = [
        max(
            (reading.weight * value, share)
            for reading in segment.readings
            for value, share in [_mean(reading.phrase, best)]
        )
        for segment in group.segments
    ]
    count = len(readings)
    translated = sum(value for value, _ in readings) / count
    return max(own, (translated, sum(share for _, share in readings) / count))


def _mean(phrase: Phrase, best: Mapping[str, float]) -> tuple[float, float]:
    values = [best[term] for term in phrase]
    count = len(values) or 1
    return sum(values) / count, sum(value > 0 for value in values) / count


def _translated_terms(query: ParsedQuery) -> dict[str, str]:
    """Return the terms that only translations contain, with the word that was translated."""
    own = {term for group in query.groups for term in group.terms}
    return {
        term: segment.text
        for group in query.groups
        for segment in group.segments
        for reading in segment.readings
        for term in reading.phrase
        if term not in own
    }
