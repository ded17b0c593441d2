"""Translate the words of a query to the English names and words that the index contains."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from common.languages.codes import ENGLISH
from common.languages.word_index import KEY, Word, WordIndex
from common.search.text import terms
from engine.index.documents import Phrase
from engine.searching.languages.guess import guess
from engine.searching.languages.readings import (
    ENDING,
    MAYBE_ENGLISH,
    Reading,
    Segment,
    Translation,
    WordGroup,
)
from engine.searching.languages.words import COMPOUND, Known, Match, look_up, split
from engine.words.forms import stop_words

MOST_READINGS = 6  # English words for a word of the query
SHORT = 3  # letters of a stop word that is no name even if the word list has it
MOST_WORDS = 3  # readings that are no names


class Translator:
    """Translates queries by the word index.

    `names` are the phrases of all names in the search index, `related` those of related words.
    """

    def __init__(self, index: WordIndex, names: Collection[Phrase], related: Collection[Phrase]):
        self._index = index
        self._names = names
        self._related = related

    def translate(self, query: str, language: str | None) -> Translation | None:
        """Return how to read the query: in `language`, or in the language that its words suggest.

        None if no word list is installed.
        """
        installed = self._index.languages
        if not installed:
            return None
        if language == ENGLISH:
            return Translation(ENGLISH)
        spoken = [language] if language in installed else installed
        known = look_up(split(query), self._index, spoken)
        strong = self._add_names(known)
        chosen = [language] if language in installed else guess(known, strong, installed)
        return _Choice(known, strong, chosen, is_given=language in installed).translation()

    def _add_names(self, known: Known) -> set[int]:
        """Add the indexed English words to those known as English; return the numbers of the words
        in whole names of the index.
        """
        strong: set[int] = set()
        stems = [terms(word.text) for word in known.words]
        for start in range(len(stems)):
            for end in range(start + 1, len(stems) + 1):
                phrase = tuple(stem for some in stems[start:end] for stem in some)
                if phrase in self._names:
                    strong.update(range(start, end))
                if phrase in self._related:
                    known.english.update(range(start, end))
        known.english |= strong
        return strong


class _Choice:
    """Chooses readings of the words of one query in the chosen languages."""

    def __init__(
        self, known: Known, strong: Collection[int], chosen: Sequence[str], is_given: bool
    ):
        self._known = known
        self._strong = strong
        self._chosen = chosen
        self._is_english = list(chosen) == [ENGLISH]
        self._is_sure = is_given or len(known.words) > 1
        self._stop_words = set() if self._is_english else self._find_stop_words()

    def translation(self) -> Translation:
        """Return the readings of all words, in their order."""
        groups: list[WordGroup] = []
        at = 0
        while at < len(self._known.words):
            end, segments = self._longest(at)
            text = " ".join(word.text for word in self._known.words[at:end])
            if segments or not self._is_stop_word(at):
                own = terms(text)
                groups += [WordGroup(own, segments)] if segments else _single(own)
            at = end
        language = self._chosen[0] if len(self._chosen) == 1 else None
        is_translated = any(group.segments for group in groups)
        if not is_translated and len(self._known.english) == len(self._known.words):
            language = ENGLISH
        unknown = self._unknown()
        is_known = len(unknown) < len(self._known.words)
        return Translation(language, tuple(groups) if is_translated else (), unknown, is_known)

    def _longest(self, start: int) -> tuple[int, tuple[Segment, ...]]:
        """Return the end and the segments of the longest name that begins at this word."""
        by_end: dict[int, list[Match]] = defaultdict(list)
        for match in self._known.matches:
            if match.start == start:
                by_end[match.end].append(match)
        for end in sorted(by_end, reverse=True):
            segments = [
                Segment(match.part or self._known.text(match), readings)
                for match in by_end[end]
                if (readings := tuple(self._readings(match)))
            ]
            if segments:
                return end, tuple(segments)
        return start + 1, ()

    def _readings(self, match: Match) -> Iterator[Reading]:
        numbers = range(match.start, match.end)
        may_be_english = all(number in self._known.english for number in numbers)
        if may_be_english and (self._is_english or (match.how != KEY and not self._is_sure)):
            return
        if self._is_stop_word(match.start) and match.end == match.start + 1:
            return
        rows = [row for row in match.words if row.language in self._chosen]
        if not rows and not may_be_english and match.how == KEY:
            form = self._known.form(match)
            rows = [row for row in match.words if match.part or row.form == form]
        rows = _exact(rows, match, self._known.form(match))
        if may_be_english and not self._is_sure:
            rows = [row for row in rows if row.is_name]
        is_unsure = may_be_english and not self._is_sure
        weight = MAYBE_ENGLISH if is_unsure else ENDING if match.how == COMPOUND else 1.0
        yield from _merged(rows, weight)

    def _is_stop_word(self, number: int) -> bool:
        """Whether the word has no meaning of its own in the language of the query."""
        return number in self._stop_words

    def _find_stop_words(self) -> set[int]:
        """Return the numbers of the stop words; empty if the query has no other words."""
        words = self._known.words
        found = {
            number
            for number, word in enumerate(words)
            if word.is_english_stop_word or any(self._stops(each, number) for each in self._chosen)
        }
        return found if len(found) < len(words) else set()

    def _stops(self, language: str, number: int) -> bool:
        """Whether the language has this stop word. The lists contain nouns, so a name does not
        count as a stop word, unless it is as short as "mon".
        """
        word = self._known.words[number]
        is_short = word.form.isascii() and len(word.form) <= SHORT
        is_name = any(
            row.language == language and row.is_name
            for match in self._known.matches
            if match.how == KEY and match.start <= number < match.end
            for row in match.words
        )
        return word.key in stop_words(language) and (is_short or not is_name)

    def _unknown(self) -> tuple[str, ...]:
        known = self._known.matched | self._known.english
        return tuple(
            word.text
            for number, word in enumerate(self._known.words)
            if number not in known and not self._is_stop_word(number)
        )


def _single(own: Phrase) -> list[WordGroup]:
    return [WordGroup((term,)) for term in own]


def _exact(rows: list[Word], match: Match, form: str) -> list[Word]:
    """Return the rows with the query's accents in languages that have some: pêche is no péché."""
    if match.how != KEY or match.part:
        return rows
    exact = {row.language for row in rows if row.form == form}
    return [row for row in rows if row.form == form or row.language not in exact]


def _merged(rows: Sequence[Word], weight: float) -> Iterator[Reading]:
    """Yield one reading per English word: the names of each language, or without any its other
    words.
    """
    with_name = {row.language for row in rows if row.is_name}
    languages: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: -row.is_name):
        if row.is_name or row.language not in with_name:
            languages[row.english] += [row.language] * (row.language not in languages[row.english])
    most = MOST_READINGS if with_name else MOST_WORDS
    for english in list(languages)[:most]:
        if phrase := terms(english):
            yield Reading(english, phrase, weight, tuple(sorted(languages[english])))
