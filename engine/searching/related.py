"""Names that the index knows, for words that it does not."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from common.search.text import terms
from engine.index.documents import Phrase

WEIGHTS = {"1": 0.6, "2": 0.45}  # by how many steps of WordNet the name is above the word


@cache
def load_related() -> Mapping[Phrase, Sequence[tuple[str, float]]]:
    """By the words, as stems: names of labels and broader terms, each with its weight below 1.

    Cached: it only depends on the code, and takes a third of a second.
    """
    data = json.loads(files("engine.searching").joinpath("related.json").read_bytes())
    found: dict[Phrase, dict[str, float]] = {}
    for name, by_steps in data["names"].items():
        for steps, words in by_steps.items():
            for word in words:
                names = found.setdefault(terms(word), {})
                names[name] = max(WEIGHTS[steps], names.get(name, 0.0))
    return {phrase: tuple(names.items()) for phrase, names in found.items()}
