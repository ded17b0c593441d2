"""The terms of a query, and related names that match it too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.search.text import terms
from engine.index.documents import Phrase, whole

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
    """A parsed query; without terms it cannot match anything."""

    terms: Phrase
    related: Sequence[Related] = ()

    @property
    def text(self) -> str:
        """The query's own terms as the text for BM25: word by word and as whole names."""
        return " ".join([*self.terms, *(whole(part) for part in parts(self.terms))])

    @property
    def related_text(self) -> str:
        """The related names, each as a whole."""
        return " ".join(dict.fromkeys(whole(each.phrase) for each in self.related))


def parse(query: str, related: Mapping[Phrase, Sequence[tuple[str, float]]]) -> ParsedQuery:
    """Return the query's terms, and their names in `related`, those of the longest
    phrases first.
    """
    query_terms = terms(query)
    names: list[Related] = []
    for part in parts(query_terms):
        if not any(set(part) <= set(each.words) for each in names):
            names += [
                Related(part, name, terms(name), weight) for name, weight in related.get(part, ())
            ]
    return ParsedQuery(query_terms, names)


def parts(query_terms: Phrase) -> Iterator[Phrase]:
    """Yield all runs of adjacent terms that may be a name, the longest first."""
    for length in range(min(len(query_terms), LONGEST_NAME), 0, -1):
        for start in range(len(query_terms) - length + 1):
            yield query_terms[start : start + length]
