"""Indexed names for words that are not indexed."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from common.search.text import terms
from engine.index.documents import Phrase

WEIGHTS = {"1": 0.6, "2": 0.45}  # by the number of WordNet's steps from the word up to the name


@cache
def load_related() -> Mapping[Phrase, Sequence[tuple[str, float]]]:
    """Return names of labels and broader terms with a weight below 1, by phrase of stems.

    Cached, because it only depends on the code and takes a third of a second.
    """
    by_phrase: dict[Phrase, dict[str, float]] = {}
    for name, by_steps in _read_names().items():
        for steps, words in by_steps.items():
            for word in words:
                names = by_phrase.setdefault(terms(word), {})
                names[name] = max(WEIGHTS[steps], names.get(name, 0.0))
    return {phrase: tuple(names.items()) for phrase, names in by_phrase.items()}


def related_words() -> list[str]:
    """Return all words that are related to a name."""
    by_steps = _read_names().values()
    return [word for lists in by_steps for words in lists.values() for word in words]


def _read_names() -> dict[str, dict[str, list[str]]]:
    """Read related.json: by name and number of steps, the related words."""
    data = json.loads(files("engine.searching").joinpath("related.json").read_bytes())
    names: dict[str, dict[str, list[str]]] = data["names"]
    return names
