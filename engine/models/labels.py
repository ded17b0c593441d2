"""The 1,000 ImageNet classes with their usual names, synonyms and broader terms."""

import json
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Term:
    """A broader term, such as "cat", with its WordNet 3.0 id and synonyms.

    Names are unique among terms; labels with the same broader term share one Term.
    """

    wnid: str
    name: str
    synonyms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """A class, with its broader terms from the narrowest to the broadest (possibly none).

    `index` is 0 to 999; a model with a background class in front returns index + 1. `hint` is only
    set if other classes have the same name, and distinguishes this one from them.
    """

    index: int
    name: str
    wnid: str
    synonyms: tuple[str, ...]
    broader: tuple[Term, ...]
    hint: str = ""


def load_imagenet() -> tuple[Label, ...]:
    """Read the classes in order of index from imagenet.json; takes milliseconds and
    caches nothing.
    """
    data = json.loads(files("engine.models").joinpath("imagenet.json").read_bytes())
    terms = {
        name: Term(term["wnid"], name, tuple(term["synonyms"]))
        for name, term in data["terms"].items()
    }
    return tuple(
        Label(
            index=entry["index"],
            name=entry["name"],
            wnid=entry["wnid"],
            synonyms=tuple(entry["synonyms"]),
            broader=tuple(map(terms.__getitem__, entry["broader"])),
            hint=entry.get("hint", ""),
        )
        for entry in data["classes"]
    )
