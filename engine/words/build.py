"""Make the word index of the installed word lists: a SQLite file that engine and API only read.

It holds the words of those synsets that have an English word in english.tsv, so a search reads a
few rows instead of keeping lists of 27 MB in memory.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from common.languages.codes import ENGLISH
from common.languages.word_index import (
    FILE,
    FINGERPRINT,
    KEY,
    NAME,
    SCHEMA,
    VOCABULARY,
    WORD,
    read_fingerprint,
)
from common.search.text import stem as english_stem
from engine.models.labels import load_imagenet
from engine.models.pull import put_in_place
from engine.words.catalogue import WordList
from engine.words.english import English, content, load_english
from engine.words.forms import forms, key

VERSION = "1"  # increase it when the content changes for the same lists
LONGEST = 5  # words of a lemma; longer ones are explanations

Row = tuple[str, int, str, str, str, int]


def is_current(folder: Path, lists: Sequence[WordList]) -> bool:
    """Return whether the word index in `folder` was made of these lists by this code."""
    return read_fingerprint(folder / FILE) == _fingerprint(lists)


def build_index(folder: Path, lists: Sequence[WordList]) -> None:
    """Write the word index; a process that reads the previous file is not disturbed."""
    part = folder / f"{FILE}.part"
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as database:
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + SCHEMA)
        english = load_english()
        database.executemany("INSERT OR IGNORE INTO words VALUES (?,?,?,?,?,?)", _english(english))
        for each in lists:
            _add(database, each, folder, english)
        database.execute("INSERT INTO meta VALUES (?,?)", (FINGERPRINT, _fingerprint(lists)))
        database.commit()
    put_in_place(part, folder / FILE)


def _add(database: sqlite3.Connection, each: WordList, folder: Path, english: English) -> None:
    lemmas = list(read_lemmas((folder / each.files[0].name), english))
    rows = _rows(each.language, lemmas, english)
    database.executemany("INSERT OR IGNORE INTO words VALUES (?,?,?,?,?,?)", rows)
    first: dict[str, str] = {}
    for synset, lemma in lemmas:
        if english.synsets[synset].is_name:
            first.setdefault(synset, lemma)
    names = ((each.language, id, lemma) for id, lemma in _names(first, english).items())
    database.executemany("INSERT INTO names VALUES (?,?,?)", names)
    about = (each.language, each.name, each.licence)
    database.execute("INSERT INTO languages VALUES (?,?,?)", about)


def read_lemmas(path: Path, english: English) -> Iterator[tuple[str, str]]:
    """Yield (synset, lemma) of the list's lines whose synset has an English word.

    A line is "offset-pos TAB type TAB lemma", where the type is `lemma` or `<language>:lemma`, or
    `<language>:lemma:brokenplural` in Arabic. Definitions, examples and roots are left out.
    """
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            synset, _, rest = line.partition("\t")
            if synset in english.synsets:
                kind, _, lemma = rest.rstrip("\n").partition("\t")
                if kind.endswith(("lemma", "lemma:brokenplural")) and lemma:
                    yield synset, " ".join(lemma.replace("_", " ").split())


def _rows(language: str, lemmas: Iterable[tuple[str, str]], english: English) -> Iterator[Row]:
    by_lemma: dict[str, set[str]] = {}
    for synset, lemma in lemmas:
        by_lemma.setdefault(lemma, set()).add(synset)
    for lemma, synsets in by_lemma.items():
        words = forms(lemma)
        if 0 < len(words) <= LONGEST:
            form = " ".join(words)
            for synset in synsets:
                about = english.synsets[synset]
                if not any(_shadows(each, synset, english) for each in about.shadows & synsets):
                    yield key(form), KEY, language, form, about.word, about.kind


def _shadows(sense: str, synset: str, english: English) -> bool:
    """Whether a sense makes the synset a second meaning: animal and beast shadow each other."""
    return synset not in english.synsets[sense].shadows


def _names(first: dict[str, str], english: English) -> dict[str, str]:
    """Return the first lemma by WordNet id of a class and by name of a broader term."""
    labels = load_imagenet()
    wnids = {label.wnid for label in labels}
    terms = {term.name for label in labels for term in label.broader}
    names = {}
    for synset in sorted(first):
        word, wnid = english.synsets[synset].word, f"n{synset[:8]}"
        if wnid in wnids:
            names[wnid] = first[synset]
        if word in terms:
            names.setdefault(word, first[synset])
    return names


def _english(english: English) -> Iterator[Row]:
    for word in english.vocabulary:
        yield word, VOCABULARY, ENGLISH, word, word, WORD
    for about in english.synsets.values():
        if about.is_name:
            stems = " ".join(english_stem(form) for form in forms(about.word))
            yield stems, VOCABULARY, ENGLISH, about.word, about.word, NAME


def _fingerprint(lists: Sequence[WordList]) -> str:
    digest = hashlib.sha256(VERSION.encode() + content())
    for each in lists:
        digest.update(each.files[0].sha256.encode())
    return digest.hexdigest()
