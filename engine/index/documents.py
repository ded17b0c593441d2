"""The documents of the index: the texts of an image as terms, and the names and scores behind them.

A label or broader term is repeated in proportion to its score, word by word and as a whole
(`=egyptian_cat`), so that BM25 ranks higher scores first, and a whole name before a part of one.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from common.search.text import stem as stem_of
from common.search.text import terms, words
from engine.models.labels import load_imagenet

FIELDS = ("labels", "broader", "objects", "caption", "posts", "file_name", "text")
REPETITIONS = 4  # of a term with a score of 1
LONGEST_TEXT = 2_000  # indexed words of a text

_INNER_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")

Phrase = tuple[str, ...]  # the stems of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An image in the index; `read_at` is in microseconds by the database's clock."""

    id: UUID
    owner: UUID | None
    public: bool
    read_at: int
    texts: Mapping[str, str]  # terms by field
    known: str  # JSON: names and scores of labels, broader terms, outlined and detected objects
    vectors: Mapping[str, bytes] = field(default_factory=dict)  # float32 by the model's reference


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """Names, texts and scores of an image; scores are 0 to 1."""

    labels: Sequence[tuple[str, float]] = ()
    broader: Sequence[tuple[str, float]] = ()
    objects: Sequence[str] = ()  # outlined
    detected: Sequence[tuple[str, float]] = ()
    caption: str = ""
    text: str = ""  # read in the image
    posts: Sequence[str] = ()
    file_name: str = ""


class Words:
    """The names and synonyms of labels and broader terms, as stems; the name comes first.

    `classes` are the names of the labels by class id.
    """

    def __init__(self) -> None:
        self._phrases: dict[str, tuple[Phrase, ...]] = {}
        self._terms: dict[str, str] = {}
        labels = load_imagenet()
        self.classes = [label.name for label in labels]
        for label in labels:
            self._add(label.name, label.synonyms)
            for term in label.broader:
                self._add(term.name, term.synonyms)

    @property
    def phrases(self) -> frozenset[Phrase]:
        """The phrases of all names and synonyms."""
        return frozenset(phrase for phrases in self._phrases.values() for phrase in phrases)

    def of(self, name: str) -> tuple[Phrase, ...]:
        """Return the phrases of this name; an unknown name is its only phrase."""
        return self._phrases.get(name) or (terms(name),)

    def terms_of(self, name: str) -> str:
        """Return the terms of all phrases of this name: each word, and each phrase as a whole."""
        if (known := self._terms.get(name)) is not None:
            return known
        phrases = [phrase for phrase in self.of(name) if phrase]
        found = " ".join(part for phrase in phrases for part in (*phrase, whole(phrase)))
        if name in self._phrases:  # those of classes; others are without number
            self._terms[name] = found
        return found

    def _add(self, name: str, synonyms: Iterable[str]) -> None:
        # Two classes with the same name (a crane is a bird or a machine) share their synonyms.
        others = self._phrases.get(name, ())
        phrases = [terms(text) for text in (name, *synonyms)]
        self._phrases[name] = tuple(dict.fromkeys([*others, *phrases]))


def texts_of(known: ImageFacts, words_for: Words) -> dict[str, str]:
    """Return the terms of each field."""
    return {
        "labels": " ".join(_weighed(known.labels, words_for)),
        "broader": " ".join(_weighed(known.broader, words_for)),
        "objects": " ".join(
            _weighed([*((name, 0.0) for name in known.objects), *known.detected], words_for)
        ),
        "caption": _plain(known.caption),
        "text": _plain(known.text),
        "posts": " ".join(map(_plain, known.posts)),
        "file_name": _plain(_spaced(known.file_name)),
    }


def encode(known: ImageFacts) -> str:
    """Return the names and scores as JSON, for the scoring of candidates."""
    objects = [(name, 1.0) for name in known.objects]
    scored = {"labels": known.labels, "broader": known.broader, "objects": objects}
    if known.detected:
        scored["detected"] = known.detected
    return json.dumps(scored, separators=(",", ":"), ensure_ascii=False)


def decode(known: str) -> dict[str, Any]:
    """Return what `encode` has written."""
    decoded: dict[str, Any] = json.loads(known)
    return decoded


def whole(phrase: Sequence[str]) -> str:
    """Return a name as a single term."""
    return "=" + "_".join(phrase)


def _weighed(scored: Iterable[tuple[str, float]], words_for: Words) -> Iterable[str]:
    for name, score in scored:
        if terms_of_name := words_for.terms_of(name):
            yield from [terms_of_name] * (1 + round((REPETITIONS - 1) * score))


def _plain(text: str) -> str:
    return " ".join(map(stem_of, words(text)[:LONGEST_TEXT]))


def _spaced(file_name: str) -> str:
    """Return a file name followed by its parts: "EgyptianCat.jpg Egyptian Cat.jpg" for
    `EgyptianCat.jpg`, so that a search for either form finds it.
    """
    spaced = _INNER_CAPITAL.sub(" ", file_name)
    return file_name if spaced == file_name else f"{file_name} {spaced}"
