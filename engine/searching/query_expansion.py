"""The terms of a query, and related names that match it too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from common.search.text import stem, terms, words
from engine.index.documents import Phrase, whole
from engine.searching.languages.readings import WordGroup

LONGEST_NAME = 5  # terms of a name


@dataclass(frozen=True, slots=True)
class Related:
    """An indexed name related to words of the query that may not be indexed: cat for moggy."""

    words: Phrase  # words of the query, as stems
    name: str
    phrase: Phrase
    weight: float  # below 1: the query's own words weigh more


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A parsed query; without terms it cannot match anything.

    The groups are the words that count alike: each term by itself, or a translated word with its
    readings.
    """

    groups: Sequence[WordGroup]
    related: Sequence[Related] = ()
    spelled: Mapping[str, str] = field(default_factory=dict)  # the caller's words by their terms

    @property
    def terms(self) -> Phrase:
        """All distinct terms: the query's own, then those of translations."""
        own = (term for group in self.groups for term in group.terms)
        return tuple(dict.fromkeys([*own, *(term for phrase in self.readings for term in phrase)]))

    @property
    def readings(self) -> Sequence[Phrase]:
        """The phrases that words of the query were translated to."""
        segments = (segment for group in self.groups for segment in group.segments)
        return [reading.phrase for segment in segments for reading in segment.readings]

    @property
    def text(self) -> str:
        """The query's own terms and their translations as the text for BM25: word by word and as
        whole names.
        """
        own = tuple(dict.fromkeys(term for group in self.groups for term in group.terms))
        phrases = [own, *self.readings]
        texts = [[*phrase, *(whole(part) for part in parts(phrase))] for phrase in phrases]
        return " ".join(dict.fromkeys(text for some in texts for text in some))

    @property
    def related_text(self) -> str:
        """The related names, each as a whole."""
        return " ".join(dict.fromkeys(whole(each.phrase) for each in self.related))


def parse(
    query: str,
    related: Mapping[Phrase, Sequence[tuple[str, float]]],
    groups: Sequence[WordGroup] = (),
) -> ParsedQuery:
    """Return the query's terms, and their names in `related`, those of the longest
    phrases first. With the groups of a translation these replace the query's own terms.
    """
    groups = groups or [WordGroup((term,)) for term in terms(query)]
    own = tuple(dict.fromkeys(term for group in groups for term in group.terms))
    parsed = ParsedQuery(groups)
    names = [each for phrase in (own, *parsed.readings) for each in _related(phrase, related)]
    spelled = {stem(word): word for word in words(query)}
    return ParsedQuery(groups, list(dict.fromkeys(names)), spelled)


def _related(
    phrase: Phrase, related: Mapping[Phrase, Sequence[tuple[str, float]]]
) -> Sequence[Related]:
    names: list[Related] = []
    for part in parts(phrase):
        if not any(set(part) <= set(each.words) for each in names):
            names += [
                Related(part, name, terms(name), weight) for name, weight in related.get(part, ())
            ]
    return names


def parts(query_terms: Phrase) -> Iterator[Phrase]:
    """Yield all runs of adjacent terms that may be a name, the longest first."""
    for length in range(min(len(query_terms), LONGEST_NAME), 0, -1):
        for start in range(len(query_terms) - length + 1):
            yield query_terms[start : start + length]
