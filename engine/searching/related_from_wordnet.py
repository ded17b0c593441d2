"""Make related.json: for words that are not names in the index, the names that they are a kind of.

    python -m engine.searching.related_from_wordnet --wordnet DIR

The index contains the names and synonyms of ImageNet's classes and their broader terms. Of all
other common nouns of WordNet 3.0, in their most frequent sense, this takes those that are a kind of
one of these: "sedan" is a kind of car. The nearest name counts, at most STEPS above. Terms above
more than MOST_CLASSES classes are too general, and occupations and the like (kinds of person) are
left out.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.models.imagenet_from_wordnet import SOURCE, Nouns, read_first_senses, read_nouns
from engine.models.labels import Label, Term, load_imagenet

STEPS = 2
MOST_CLASSES = 60
EXCLUDED = ("person",)


def build(wordnet: Path) -> dict[str, Any]:
    """Return the content of related.json: by name and number of steps, the words in order."""
    labels = load_imagenet()
    nouns, known, names = read_nouns(wordnet), _known(labels), _names(labels)
    by_name: dict[str, dict[str, list[str]]] = {}
    for word, wnid in sorted(read_first_senses(wordnet).items()):
        # Words that WordNet capitalizes are proper names or Latin.
        if word in known or word not in nouns[wnid].words:
            continue
        for name, steps in _nearest(wnid, nouns, names):
            by_name.setdefault(name, {}).setdefault(str(steps), []).append(word)
    return {"source": SOURCE, "names": dict(sorted(by_name.items()))}


def _nearest(wnid: str, nouns: Nouns, names: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """Yield the names of the nearest hypernyms with a name, and the number of steps up to them."""
    level = [wnid]
    for steps in range(1, STEPS + 1):
        level = [parent for child in level for parent in nouns[child].parents]
        if found := {names[parent] for parent in level if parent in names}:
            yield from ((name, steps) for name in sorted(found))
            return


def _known(labels: Sequence[Label]) -> set[str]:
    """Return all words that the index contains for classes and terms."""
    named: list[Label | Term] = [*labels]
    named += [term for label in labels for term in label.broader]
    return {word.lower() for each in named for word in (each.name, *each.synonyms)}


def _names(labels: Sequence[Label]) -> dict[str, str]:
    """Return by WordNet id the names of the classes, and of terms that are not too general."""
    below = Counter(term.name for label in labels for term in label.broader)
    terms = {
        term.wnid: term.name
        for label in labels
        for term in label.broader
        if below[term.name] <= MOST_CLASSES and term.name not in EXCLUDED
    }
    return terms | {label.wnid: label.name for label in labels}


def render(made: Mapping[str, Any]) -> str:
    """Return JSON with one line per name, so that a change is a short diff."""
    names = [f"{json.dumps(name)}: {json.dumps(words)}" for name, words in made["names"].items()]
    return '{{"source": {},\n"names": {{\n{}\n}}}}\n'.format(
        json.dumps(made["source"]), ",\n".join(names)
    )


def main() -> None:
    """Write related.json beside this file, or to --out."""
    parser = argparse.ArgumentParser(description="Make the data file of related words.")
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder of data.noun")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("related.json"))
    options = parser.parse_args()
    options.out.write_text(render(build(options.wordnet)), "utf-8")


if __name__ == "__main__":
    main()
