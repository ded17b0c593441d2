"""The word index: words of many languages with their English words, and names of labels.

`engine/words/build.py` makes it in MODEL_DIR when the word lists are installed; engine and API only
read it. Without the file no language but English is known.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from common.languages.codes import ENGLISH, LANGUAGES

log = structlog.get_logger(__name__)
FILE = "words.sqlite"
FORMAT = 1  # of the file; increase it when SCHEMA or the meaning of a column changes
FINGERPRINT = "fingerprint"
KEY, VOCABULARY = 0, 1  # what a row's key is: see `Word.how`
WORD, SEARCHED, NAME = 0, 1, 2  # the kinds of English words: see `Word.kind`
LONGEST_SUFFIX = 5  # letters that a word may have after its stem
MOST_SIMILAR = 60  # words that begin with a stem

SCHEMA = f"""
PRAGMA user_version = {FORMAT};
CREATE TABLE words (
    key TEXT, how INTEGER, language TEXT, form TEXT, english TEXT, kind INTEGER,
    PRIMARY KEY (key, how, language, form, english)
) WITHOUT ROWID;
CREATE TABLE names (language TEXT, id TEXT, lemma TEXT, PRIMARY KEY (language, id)) WITHOUT ROWID;
CREATE TABLE languages (code TEXT PRIMARY KEY, list TEXT, licence TEXT);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);
"""


class Word(NamedTuple):
    """A word of a language and its English word.

    `how` defines `key`: KEY, the word without accents; VOCABULARY, the stem of an English
    word. `kind` of the English word: NAME, a label or a broader term; SEARCHED, a word by which the
    search finds names; WORD, another word in common use.
    """

    key: str
    how: int
    language: str
    form: str
    english: str
    kind: int

    @property
    def is_name(self) -> bool:
        """Whether the English word is a label or a broader term."""
        return self.kind == NAME


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file that is open, and the languages in it."""

    database: sqlite3.Connection
    languages: tuple[str, ...]


class WordIndex:
    """Reads the word index in this folder of MODEL_DIR; threads may share it."""

    def __init__(self, model_dir: Path):
        self._path = model_dir / "words" / FILE
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._seen = (0, 0)  # identifies the file, which is replaced when lists are installed

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of the languages with a word list, sorted; without English."""
        with self._lock:
            opened = self._open()
            return opened.languages if opened else ()

    def find(self, keys: Collection[str]) -> list[Word]:
        """Return all words with one of these keys."""
        statement = "SELECT * FROM words WHERE key IN (SELECT value FROM json_each(?))"
        return [Word(*row) for row in self._read(statement, [_json(keys)])]

    def starting_with(self, stem: str, languages: Collection[str]) -> list[Word]:
        """Return words of these languages, except those of kind WORD, that begin with this key and
        are hardly longer.
        """
        statement = (
            "SELECT * FROM words WHERE key >= ? AND key < ? AND length(key) <= ? AND how = ? "
            "AND kind > ? AND language IN (SELECT value FROM json_each(?)) LIMIT ?"
        )
        end, longest = stem + "\U0010ffff", len(stem) + LONGEST_SUFFIX
        parameters = [stem, end, longest, KEY, WORD, _json(languages), MOST_SIMILAR]
        return [Word(*row) for row in self._read(statement, parameters)]

    def keys_from(self, start: str, end: str) -> list[str]:
        """Return the keys of names that are not below `start` and below `end`, each once."""
        statement = (
            "SELECT DISTINCT key FROM words WHERE key >= ? AND key < ? AND how = ? AND kind = ?"
        )
        return [key for (key,) in self._read(statement, [start, end, KEY, NAME])]

    def names(self, language: str, ids: Iterable[str]) -> Mapping[str, str]:
        """Return the names in this language, by WordNet id of a class or English name of a term."""
        statement = (
            "SELECT id, lemma FROM names WHERE language = ? "
            "AND id IN (SELECT value FROM json_each(?))"
        )
        return dict(self._read(statement, [language, _json(ids)]))

    def _read(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            opened = self._open()
            try:
                return opened.database.execute(statement, parameters).fetchall() if opened else []
            except sqlite3.DatabaseError as error:  # damaged: no reason to fail a search
                log.warning("the word index cannot be read", error=str(error))
                return []

    def _open(self) -> _Opened | None:
        """Return the current file, opened again if it was replaced; None without a usable one."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        version = status.st_ino, status.st_mtime_ns
        if self._seen != version:
            if self._opened:
                self._opened.database.close()
            self._opened, self._seen = _open(self._path), version
        return self._opened


def accepted_languages(index: WordIndex) -> list[str]:
    """Return the codes that requests may send as `lang`, English included.

    Without a word index these are all languages: the engine may have the lists, on another machine.
    """
    return sorted({ENGLISH, *(index.languages or LANGUAGES)})


def read_fingerprint(path: Path) -> str | None:
    """Return what identifies the lists that a word index was made of; None without a usable one."""
    if (opened := _open(path)) is None:
        return None
    with closing(opened.database) as database:
        row = database.execute("SELECT value FROM meta WHERE name = ?", [FINGERPRINT]).fetchone()
        return row[0] if row else None


def _open(path: Path) -> _Opened | None:
    """Open a word index; None if the file is missing, damaged or of another format."""
    # Immutable: the file is replaced and never changed, and its folder may be read-only.
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    database = None
    try:
        database = sqlite3.connect(address, uri=True, check_same_thread=False)
        if database.execute("PRAGMA user_version").fetchone() == (FORMAT,):
            codes = database.execute("SELECT code FROM languages ORDER BY code").fetchall()
            return _Opened(database, tuple(code for (code,) in codes))
        log.warning("the word index has another format; run `make models`", path=str(path))
    except sqlite3.Error as error:
        if path.exists():
            log.warning("the word index cannot be read", path=str(path), error=str(error))
    if database:
        database.close()
    return None


def _json(keys: Iterable[str]) -> str:
    return json.dumps(list(keys), ensure_ascii=False)
