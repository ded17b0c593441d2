"""The English words of synsets: english.tsv, which english_from_wordnet.py makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from common.languages.word_index import NAME, SEARCHED, WORD

KINDS = {"name": NAME, "searched": SEARCHED, "word": WORD}  # of a synset, as english.tsv has them
VOCABULARY = "-"  # the id of the line with the vocabulary


@dataclass(frozen=True, slots=True)
class EnglishSynset:
    """A synset's English word and its kind, NAME, SEARCHED or WORD: see `Word.kind`.

    `shadows` are the most frequent senses of its other words.
    """

    word: str
    kind: int
    shadows: frozenset[str]

    @property
    def is_name(self) -> bool:
        """Whether the word is a label or a broader term."""
        return self.kind == NAME


@dataclass(frozen=True, slots=True)
class English:
    """The synsets by id (`02121620-n`), and the stems of the English words in common use."""

    synsets: Mapping[str, EnglishSynset]
    vocabulary: tuple[str, ...]


def content() -> bytes:
    """Return the bytes of english.tsv."""
    return files("engine.words").joinpath("english.tsv").read_bytes()


def load_english() -> English:
    """Read english.tsv, which takes about 50 ms; nothing is cached."""
    synsets: dict[str, EnglishSynset] = {}
    vocabulary: tuple[str, ...] = ()
    for line in content().decode().splitlines():
        id, word, *rest = line.split("\t")
        if id == VOCABULARY:
            vocabulary = tuple(word.split())
        else:
            kind, shadows = rest
            synsets[id] = EnglishSynset(word, KINDS[kind], frozenset(shadows.split(",")))
    return English(synsets, vocabulary)
