"""What the words of a query mean in English."""

from dataclasses import dataclass
from typing import Any

from engine.index.documents import Phrase

# Weight of a translation if the word may be English, and if it is the end of the query's word.
MAYBE_ENGLISH, ENDING = 0.4, 0.6


@dataclass(frozen=True, slots=True)
class Reading:
    """An English name or word that a word of the query means in some languages."""

    english: str
    phrase: Phrase
    weight: float
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A word or name of the query and its readings."""

    text: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Words of the query that are one word of its language, or that hold several (猫と犬).

    `terms` are the group's own terms; `segments` their translation, empty without one.
    """

    terms: Phrase
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """How a query was understood.

    `language` is that of most words; None if several are as likely, or if no word is known. Without
    `groups` the query is searched as it is. `unknown` are the words that no language has.
    """

    language: str | None
    groups: tuple[WordGroup, ...] = ()
    unknown: tuple[str, ...] = ()
    is_known: bool = True  # whether at least one word is known

    @property
    def segments(self) -> list[Segment]:
        """The translated words."""
        return [segment for group in self.groups for segment in group.segments]

    def english(self, query: str) -> str:
        """Return the query in English: votes on it count for English queries, and theirs for it.

        Of several readings the first counts. A word that may be English stays as it is.
        A query without translated words is returned unchanged.
        """
        if not self.segments:
            return query
        words: list[str] = []
        for group in self.groups:
            sure = [s.readings[0] for s in group.segments if s.readings[0].weight > MAYBE_ENGLISH]
            words += [reading.english for reading in sure] or group.terms
        return " ".join(dict.fromkeys(words))

    def to_result(self, query: str) -> dict[str, Any]:
        """Return the `query` of a search's result: see `Understood` in common/tasks/search.py."""
        return {
            "language": self.language,
            "read_as": self.english(query),
            "translations": [
                {
                    "word": segment.text,
                    "languages": sorted({each for r in segment.readings for each in r.languages}),
                    "english": [reading.english for reading in segment.readings],
                }
                for segment in self.segments
            ],
            "unknown_words": list(self.unknown),
        }
