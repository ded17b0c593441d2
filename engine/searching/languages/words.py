"""The words of a query, and what the word index and the English names know of them."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from common.languages.codes import ENGLISH, LANGUAGES
from common.languages.word_index import KEY, VOCABULARY, Word, WordIndex
from common.search.text import STOP_WORDS
from common.search.text import stem as english_stem
from common.unicode import visible
from engine.words.forms import HANGUL, UNSPACED, WORD, forms, key, stem, stop_words

MOST_WORDS = 24  # of a query; the rest is searched as it is
LONGEST_NAME = 5  # words
LONGEST_UNSPACED = 8  # characters of a word in a script without spaces
MOST_UNSPACED = 64  # characters of a word that are searched for words
SHORTEST_END, SHORTEST_START = 4, 3  # letters of the two parts of a compound
SHORTEST_STOP_WORD = 4
# Korean particles, which are written together with the noun before them.
_PARTICLES = re.compile(
    "(들)?(은|는|이|가|을|를|의|에|에서|에게|와|과|랑|이랑|하고|도|만|로|으로)?"
)


@dataclass(frozen=True, slots=True)
class QueryWord:
    """A word of the query as it was sent, and its form."""

    text: str
    form: str

    @property
    def key(self) -> str:
        """The form without accents."""
        return key(self.form)

    @property
    def is_letter(self) -> bool:
        """Whether it is a single letter, such as the s of "man's", which means nothing."""
        return len(self.form) == 1 and not UNSPACED.match(self.form) and not HANGUL.match(self.form)

    @property
    def is_english_stop_word(self) -> bool:
        """Whether the word means nothing in English."""
        if self.is_letter or self.form in STOP_WORDS:
            return True
        # The shorter entries of this list are often abbreviations, such as "il" and "im".
        return len(self.form) >= SHORTEST_STOP_WORD and self.form in stop_words(ENGLISH)


def split(query: str) -> list[QueryWord]:
    """Return the first MOST_WORDS words of the query."""
    split_forms = forms(query)
    texts = WORD.findall(visible(query))
    if len(texts) != len(split_forms):  # normalizing has split or joined words
        texts = split_forms
    pairs = zip(texts[:MOST_WORDS], split_forms[:MOST_WORDS], strict=True)
    return [QueryWord(text, form) for text, form in pairs]


STEM, COMPOUND = 2, 3  # how a word matches, besides KEY: by its stem, or by its end


@dataclass(frozen=True, slots=True)
class Match:
    """Words of the index that words `start` to `end` of the query are, in any language.

    `how` is KEY, STEM or COMPOUND; within an unspaced word, `part` is the part that matched.
    """

    start: int
    end: int
    how: int
    words: tuple[Word, ...]
    part: str = ""


@dataclass(slots=True)
class Known:
    """The words of a query, their matches in the word index, and which of them are English."""

    words: list[QueryWord]
    matches: list[Match] = field(default_factory=list)
    english: set[int] = field(default_factory=set)  # numbers of the English words

    @property
    def matched(self) -> set[int]:
        """The numbers of the words with a match."""
        return {number for match in self.matches for number in range(match.start, match.end)}

    def text(self, match: Match) -> str:
        """Return the matched words as they were sent."""
        return " ".join(word.text for word in self.words[match.start : match.end])

    def form(self, match: Match) -> str:
        """Return the forms of the matched words."""
        return " ".join(word.form for word in self.words[match.start : match.end])


def look_up(words: list[QueryWord], index: WordIndex, languages: Collection[str]) -> Known:
    """Look up the words: whole names first, then the stems and the ends of what is not found."""
    known = Known(words)
    spans = {
        span: key(" ".join(word.form for word in words[slice(*span)])) for span in _spans(words)
    }
    parts = [part for word in words for part in _parts(word.form)]
    stems = [english_stem(word.key) for word in words]
    wanted = {*spans.values(), *stems, *parts}
    found = _by_key(index.find(wanted))
    known.english = {
        n for n, word in enumerate(words)
        if word.is_english_stop_word
        or (word.form.isascii() and _of(found, stems[n], VOCABULARY, {ENGLISH}))
    }  # fmt: skip
    for (start, end), text in spans.items():
        if rows := _of(found, text, KEY, languages):
            known.matches.append(Match(start, end, KEY, rows))
    for n, word in enumerate(words):
        known.matches += _segments(n, word, found, languages)
    for n in sorted({*range(len(words))} - known.matched):
        if not words[n].is_english_stop_word:
            known.matches += _inflected(n, words[n], index, languages)
    return known


def _spans(words: list[QueryWord]) -> Iterator[tuple[int, int]]:
    for start in range(len(words)):
        for end in range(start + 1, min(start + LONGEST_NAME, len(words)) + 1):
            if not (end == start + 1 and words[start].is_letter):
                yield start, end


def _parts(form: str) -> Iterator[str]:
    """Yield the parts of a word in a script without spaces that may be words, and the nouns before
    a Korean particle.
    """
    if len(form) > 1 and UNSPACED.fullmatch(form):
        for start in range(min(len(form), MOST_UNSPACED)):
            for end in range(start + 1, min(start + LONGEST_UNSPACED, len(form)) + 1):
                yield key(form[start:end])
    elif HANGUL.fullmatch(form):
        yield from (form[:end] for end in range(1, len(form)) if _PARTICLES.fullmatch(form[end:]))


def _segments(
    number: int, word: QueryWord, found: Mapping[str, list[Word]], languages: Collection[str]
) -> Iterator[Match]:
    """Yield the words within a word of a script without spaces, from the left, the longest first;
    characters between them are left out.
    """
    text, at = word.key, 0
    known = {part: rows for part in _parts(word.form) if (rows := _of(found, part, KEY, languages))}
    while known and at < len(text):
        ends = range(min(at + LONGEST_UNSPACED, len(text)), at, -1)
        part = next((text[at:end] for end in ends if text[at:end] in known), "")
        if part:
            yield Match(number, number + 1, KEY, known[part], part)
        at += len(part) or 1


def _inflected(
    number: int, word: QueryWord, index: WordIndex, languages: Collection[str]
) -> Iterator[Match]:
    """Yield the words with the same stem in a language; without any, the word that it ends with."""
    spoken = _written_in(word.form, languages)
    by_stem: dict[str, list[str]] = {}
    for each in spoken:
        by_stem.setdefault(stem(word.form, each), []).append(each)
    rows = [
        row
        for text, those in by_stem.items()
        for row in index.starting_with(key(text), those)
        if _stem_like(row, word.form) == text
    ]
    if rows:
        yield Match(number, number + 1, STEM, tuple(rows))
    elif ending := _ending(word, index, [each for each in spoken if LANGUAGES[each].compounds]):
        yield Match(number, number + 1, COMPOUND, ending)


def _stem_like(row: Word, form: str) -> str:
    """Return the stem of a row, without accents if `form` is ASCII."""
    found = stem(row.form, row.language)
    return key(found) if form.isascii() else found


def _ending(word: QueryWord, index: WordIndex, languages: list[str]) -> tuple[Word, ...]:
    """Return the longest names that the word ends with: Hund for Lieblingshund."""
    starts = range(SHORTEST_START, len(word.key) - SHORTEST_END + 1)
    ends = [word.key[start:] for start in starts] if languages else []
    found = _by_key(index.find(ends)) if ends else {}
    for end in ends:
        if rows := [row for row in _of(found, end, KEY, languages) if row.is_name]:
            return tuple(rows)
    return ()


def _written_in(form: str, languages: Collection[str]) -> list[str]:
    script = unicodedata.name(form[0], "").partition(" ")[0]
    return [each for each in languages if LANGUAGES[each].script == script]


def _by_key(rows: Iterable[Word]) -> dict[str, list[Word]]:
    by_key: dict[str, list[Word]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    return by_key


def _of(
    found: Mapping[str, list[Word]], text: str, how: int, languages: Collection[str]
) -> tuple[Word, ...]:
    return tuple(row for row in found.get(text, ()) if row.how == how and row.language in languages)
