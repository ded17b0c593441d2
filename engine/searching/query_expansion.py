"""What a query asks for: its own terms, and what else would answer it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.search.text import terms
from engine.index.documents import Phrase, whole

LONGEST_NAME = 5  # terms that may be a name together


@dataclass(frozen=True, slots=True)
class Related:
    """A name that the index knows, for words of the query that it may not know: cat for moggy."""

    words: Phrase  # of the query, as stems
    name: str
    phrase: Phrase
    weight: float  # below 1: the query's own words count most


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that was understood: without terms it asks for nothing that could be found."""

    terms: Phrase
    related: Sequence[Related] = ()

    @property
    def text(self) -> str:
        """The query's own terms, word by word and as whole names, as BM25 is to look for them."""
        return " ".join([*self.terms, *(whole(part) for part in parts(self.terms))])

    @property
    def related_text(self) -> str:
        """The related names, each as a whole."""
        return " ".join(dict.fromkeys(whole(each.phrase) for each in self.related))


def understand(query: str, related: Mapping[Phrase, Sequence[tuple[str, float]]]) -> Asked:
    """The query's terms, and the names that `related` has for them: the longest words first."""
    found = terms(query)
    names: list[Related] = []
    for part in parts(found):
        if not any(set(part) <= set(each.words) for each in names):
            names += [
                Related(part, name, terms(name), weight) for name, weight in related.get(part, ())
            ]
    return Asked(found, names)


def parts(found: Phrase) -> Iterator[Phrase]:
    """All runs of neighbouring terms that may be a name, the longest first."""
    for length in range(min(len(found), LONGEST_NAME), 0, -1):
        for start in range(len(found) - length + 1):
            yield found[start : start + length]
