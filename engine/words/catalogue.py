"""The catalogue of word lists: catalogue.json.

The lists are those of the Open Multilingual Wordnet. Each joins words to the synsets of WordNet
3.0, which are the ids of ImageNet's classes: `02121620-n` is n02121620.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

from engine.models.catalogue import File

FOLDER = "words"  # in MODEL_DIR, and in a mirror


@dataclass(frozen=True, slots=True)
class ListFile(File):
    """A file of a word list, and its path in the repository. A mirror has it as `words/<name>`."""

    path: str = ""


@dataclass(frozen=True, slots=True)
class WordList:
    """The words of a language. The first file holds the words, the second, if any, the licence."""

    language: str
    name: str
    licence: str
    files: tuple[ListFile, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All word lists, and the address of the repository's folder at a fixed commit."""

    address: str
    repository: str
    commit: str
    lists: tuple[WordList, ...]


def load_word_lists() -> Catalogue:
    """Return the catalogue. The file is read at each call, which takes less than 1 ms."""
    data = json.loads(files("engine.words").joinpath("catalogue.json").read_bytes())
    lists = tuple(
        WordList(**{**each, "files": tuple(ListFile(**file) for file in each["files"])})
        for each in data["lists"]
    )
    return Catalogue(data["files"], data["repository"], data["commit"], lists)
