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
    data = json.loads(files("engine.searching").joinpath("related.json").read_bytes())
    by_phrase: dict[Phrase, dict[str, float]] = {}
    for name, by_steps in data["names"].items():
        for steps, words in by_steps.items():
            for word in words:
                names = by_phrase.setdefault(terms(word), {})
                names[name] = max(WEIGHTS[steps], names.get(name, 0.0))
    return {phrase: tuple(names.items()) for phrase, names in by_phrase.items()}
