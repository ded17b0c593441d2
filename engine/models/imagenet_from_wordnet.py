"""Make imagenet.json: the 1,000 ImageNet classes with their synonyms and broader terms.

    python -m engine.models.imagenet_from_wordnet --wnids FILE --labels FILE --wordnet DIR

Names and synonyms are those of the label file, unchanged. Broader terms are the hypernyms in
WordNet 3.0 that are in common use, reached through every parent, those above the fewest classes
first (so that a broader term never precedes a narrower one). The tables in imagenet_words.py decide
which hypernyms are in common use, and under what names; they name single classes only where WordNet
or common usage differ.

Two classes are called "crane", two "maillot", and "Cardigan" is both a dog and a sweater. Names are
not changed, so such a class gets a `hint`: its nearest broader term that no class of the same name
shares ("wading bird", "lifting device"). A synonym would not do, because four of the six lack one.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from engine.models.imagenet_words import ALSO, NAMES, PARENTS, SCAFFOLDING

SOURCE = "WordNet 3.0, Copyright 2006 by Princeton University: its licence is in imagenet.LICENSE"


class Synset(NamedTuple):
    """A sense: its words and the ids of its hypernyms, both in WordNet's order."""

    words: list[str]
    parents: list[str]


Nouns = dict[str, Synset]


def read_nouns(wordnet: Path) -> Nouns:
    """Read the synsets of data.noun (format: wndb(5WN)) by "n" + offset, with PARENTS applied."""
    nouns = {}
    for line in (wordnet / "data.noun").read_text("ascii").splitlines():
        if line.startswith("  "):
            continue  # the licence at the head of the file
        fields = line.split(" ")
        count_at = 4 + 2 * int(fields[3], 16)
        pointers = fields[count_at + 1 : count_at + 1 + 4 * int(fields[count_at])]
        links = zip(pointers[::4], pointers[1::4], strict=True)
        parents = [f"n{offset}" for symbol, offset in links if symbol in ("@", "@i")]
        words = [word.replace("_", " ") for word in fields[4:count_at:2]]
        nouns[f"n{fields[0]}"] = Synset(words, parents)
    for child, parents in read_parents(nouns).items():
        nouns[child] = nouns[child]._replace(parents=parents)
    return nouns


def read_parents(nouns: Nouns) -> dict[str, list[str]]:
    """Read PARENTS; raises ValueError if an id and the word beside it disagree."""

    def wnid(text: str) -> str:
        id, word = text.split(" ", 1)
        if word not in nouns[id].words:
            raise ValueError(f"PARENTS has {text}, but {id} is {nouns[id].words}")
        return id

    rules = (rule.partition(":") for rule in split(PARENTS, "\n"))
    return {wnid(child): [wnid(item) for item in split(rest, ",")] for child, _, rest in rules}


def split(table: str, separator: str) -> list[str]:
    """Split a table of imagenet_words into its entries, each on one line."""
    return [" ".join(item.split()) for item in table.split(separator) if item.strip()]


def read_first_senses(wordnet: Path) -> dict[str, str]:
    """Map each lower-case noun of index.noun to the synset of its most frequent sense."""
    lines = (wordnet / "index.noun").read_text("ascii").splitlines()
    entries = (line.split() for line in lines if not line.startswith("  "))
    # fields: word, pos, senses, n, n pointer symbols, senses, tagged senses, synsets
    return {fields[0].replace("_", " "): f"n{fields[6 + int(fields[3])]}" for fields in entries}


def read_labels(path: Path, wnids: Sequence[str], nouns: Nouns) -> list[list[str]]:
    """Read the lines "name, synonym, ..."; each line that differs from WordNet is printed on
    stderr.

    Raises ValueError if a line shares no word with its synset: then the orders of the files differ.
    """
    background, *lines = path.read_text("utf-8").splitlines()
    if background != "background" or not len(lines) == len(wnids) == len(set(wnids)):
        raise ValueError(
            f"{path}: expected 'background' and a line for each of {len(wnids)} classes"
        )
    labels = [line.split(", ") for line in lines]
    for wnid, label in zip(wnids, labels, strict=True):
        words = nouns[wnid].words
        if set(label).isdisjoint(words):
            raise ValueError(f"{path}: {label} cannot be {wnid}, which is {words}")
        if label != words:
            print(f"{wnid}: {path} has {label}, WordNet {words}", file=sys.stderr)
    return labels


def climb(wnid: str, nouns: Nouns) -> list[str]:
    """Return all hypernyms through every parent, a narrower one always before a broader one."""
    met: list[str] = []

    def visit(child: str) -> None:
        for parent in reversed(nouns[child].parents):
            if parent not in met:
                visit(parent)
                met.append(parent)

    visit(wnid)
    return met[::-1]


def name_terms(met: Iterable[str], nouns: Nouns) -> dict[str, str]:
    """Name those of the given synsets that are in common use.

    Raises ValueError if a table contains other synsets, or if synsets share a first word that NAMES
    does not allow.
    """
    given = dict(item.split(" ", 1) for item in split(NAMES, ";"))
    scaffolding = set(split(SCAFFOLDING, ","))
    words = {wnid: nouns[wnid].words[0] for wnid in sorted(met)}
    dropped = {wnid for wnid, word in words.items() if word in scaffolding and wnid not in given}
    unused = (given.keys() - words) | (scaffolding - {words[wnid] for wnid in dropped})
    if unused:
        raise ValueError(
            f"NAMES or SCAFFOLDING contain synsets above none of the classes: {unused}"
        )
    plain = {wnid: words[wnid] for wnid in words if wnid not in given.keys() | dropped}
    if shared := [word for word, times in Counter(plain.values()).items() if times > 1]:
        raise ValueError(f"several synsets are called {shared}: give them names in NAMES")
    return plain | {wnid: name for wnid, name in given.items() if name != "-"}


def describe_terms(
    names: dict[str, str], nouns: Nouns, first_senses: dict[str, str]
) -> dict[str, Any]:
    """Describe each term by the synset that it names best and by its other words.

    A word of WordNet counts if the synset is its most frequent sense and it is not itself a term:
    "machine" is also a word for a car, but a search for it rarely means one.
    """
    also = dict(item.split(": ") for item in split(ALSO, ";"))
    if unknown := also.keys() - names.values():
        raise ValueError(f"ALSO contains names that are not terms: {unknown}")
    terms = {}
    for term in sorted(set(names.values())):
        synsets = sorted(wnid for wnid, name in names.items() if name == term)
        synsets.sort(key=lambda wnid: nouns[wnid].words[0] != term)
        words = [w for s in synsets for w in nouns[s].words if first_senses[w.lower()] == s]
        synonyms = [word for word in words if word not in names.values()]
        synonyms += split(also.get(term, ""), ",")
        terms[term] = {"wnid": synsets[0], "synonyms": list(dict.fromkeys(synonyms))}
    return terms


def add_hints(classes: list[dict[str, Any]]) -> None:
    """Give classes of the same name (ignoring case) the first broader term that
    distinguishes them.
    """
    times = Counter(entry["name"].lower() for entry in classes)
    alike = [entry for entry in classes if times[entry["name"].lower()] > 1]
    for entry in alike:
        name = entry["name"].lower()
        others = [e["broader"] for e in alike if e is not entry and e["name"].lower() == name]
        shared = {term for broader in others for term in broader}
        entry["hint"] = next(term for term in entry["broader"] if term not in shared)


def build(wnids: Sequence[str], labels_file: Path, wordnet: Path) -> dict[str, Any]:
    """Return the content of imagenet.json; raises ValueError if the inputs do not fit together."""
    nouns = read_nouns(wordnet)
    labels = read_labels(labels_file, wnids, nouns)
    chains = [climb(wnid, nouns) for wnid in wnids]
    names = name_terms({wnid for chain in chains for wnid in chain}, nouns)
    broader = [list(dict.fromkeys(names[w] for w in chain if w in names)) for chain in chains]
    classes_below = Counter(term for terms in broader for term in terms)
    classes: list[dict[str, Any]] = []
    for wnid, (name, *synonyms), terms in zip(wnids, labels, broader, strict=True):
        entry = {"index": len(classes), "wnid": wnid, "name": name, "synonyms": synonyms}
        classes.append(entry | {"broader": sorted(terms, key=classes_below.__getitem__)})
    add_hints(classes)
    described = describe_terms(names, nouns, read_first_senses(wordnet))
    return {"source": SOURCE, "terms": described, "classes": classes}


def render(made: dict[str, Any]) -> str:
    """Return JSON with one line per term and class, so that a change is a short diff."""
    terms = [f"{json.dumps(term)}: {json.dumps(entry)}" for term, entry in made["terms"].items()]
    classes = [json.dumps(entry) for entry in made["classes"]]
    return '{{"source": {},\n"terms": {{\n{}\n}},\n"classes": [\n{}\n]}}\n'.format(
        json.dumps(made["source"]), ",\n".join(terms), ",\n".join(classes)
    )


def main() -> None:
    """Write imagenet.json beside this file, or to --out."""
    parser = argparse.ArgumentParser(description="Make the data file of the ImageNet classes.")
    parser.add_argument("--wnids", type=Path, required=True, help="WordNet ids in class order")
    parser.add_argument("--labels", type=Path, required=True, help="'background', then the classes")
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder of data.noun")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("imagenet.json"))
    options = parser.parse_args()
    made = build(options.wnids.read_text("ascii").split(), options.labels, options.wordnet)
    options.out.write_text(render(made), "utf-8")


if __name__ == "__main__":
    main()
