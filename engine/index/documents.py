"""What the index holds of an image: its texts as terms, and what they were made from.

A label or a broader term is written as often as the classifier is sure of it, word by word and as
one (`=egyptian_cat`), so that BM25 prefers what is sure, and a whole name to a part of one.
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

FIELDS = ("labels", "broader", "objects", "caption", "posts", "file_name")
MOST_TIMES = 4  # that a term is written, at a score of 1
LONGEST_TEXT = 2_000  # words of a text that are indexed

_INNER_CAPITAL = re.compile("(?<=[a-z])(?=[A-Z])")

Phrase = tuple[str, ...]  # the stems of a name


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An image in the index; `read_at` in microseconds by the database's clock."""

    id: UUID
    owner: UUID | None
    public: bool
    read_at: int
    texts: Mapping[str, str]  # terms by field
    known: str  # JSON: names and scores of labels, broader terms and objects
    vectors: Mapping[str, bytes] = field(default_factory=dict)  # float32 by the model's reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What the rows say of an image; scores are 0 to 1."""

    labels: Sequence[tuple[str, float]] = ()
    broader: Sequence[tuple[str, float]] = ()
    objects: Sequence[str] = ()
    caption: str = ""
    posts: Sequence[str] = ()
    file_name: str = ""


class Words:
    """All words for a label or a broader term: its name first, then its synonyms, as stems.

    `classes` are the names of the labels by their index.
    """

    def __init__(self) -> None:
        self._phrases: dict[str, tuple[Phrase, ...]] = {}
        labels = load_imagenet()
        self.classes = [label.name for label in labels]
        for label in labels:
            self._add(label.name, label.synonyms)
            for term in label.broader:
                self._add(term.name, term.synonyms)

    def of(self, name: str) -> tuple[Phrase, ...]:
        """The phrases for this name; of an unknown one, itself."""
        return self._phrases.get(name) or (terms(name),)

    def _add(self, name: str, synonyms: Iterable[str]) -> None:
        # Two classes of one name (a crane is a bird or a machine) are found by the words of both.
        before = self._phrases.get(name, ())
        phrases = [terms(text) for text in (name, *synonyms)]
        self._phrases[name] = tuple(dict.fromkeys([*before, *phrases]))


def texts_of(known: Knowledge, words_for: Words) -> dict[str, str]:
    """What is known, as terms by field."""
    return {
        "labels": " ".join(_weighed(known.labels, words_for)),
        "broader": " ".join(_weighed(known.broader, words_for)),
        "objects": " ".join(_weighed([(name, 0.0) for name in known.objects], words_for)),
        "caption": _plain(known.caption),
        "posts": " ".join(map(_plain, known.posts)),
        "file_name": _plain(_spaced(known.file_name)),
    }


def encode(known: Knowledge) -> str:
    """What the scoring needs beside the texts."""
    objects = [(name, 1.0) for name in known.objects]
    about = {"labels": known.labels, "broader": known.broader, "objects": objects}
    return json.dumps(about, separators=(",", ":"), ensure_ascii=False)


def decode(known: str) -> dict[str, Any]:
    """What `encode` has written."""
    read: dict[str, Any] = json.loads(known)
    return read


def whole(phrase: Sequence[str]) -> str:
    """A name as one term."""
    return "=" + "_".join(phrase)


def _weighed(scored: Iterable[tuple[str, float]], words_for: Words) -> Iterable[str]:
    for name, score in scored:
        phrases = [phrase for phrase in words_for.of(name) if phrase]
        found = [part for phrase in phrases for part in (*phrase, whole(phrase))]
        yield from found * (1 + round((MOST_TIMES - 1) * score))


def _plain(text: str) -> str:
    return " ".join(map(stem_of, words(text)[:LONGEST_TEXT]))


def _spaced(file_name: str) -> str:
    """Return a file name with its parts: `EgyptianCat.jpg` is found as it is and by "Egyptian Cat",
    so it becomes "EgyptianCat.jpg Egyptian Cat.jpg".
    """
    spaced = _INNER_CAPITAL.sub(" ", file_name)
    return file_name if spaced == file_name else f"{file_name} {spaced}"
