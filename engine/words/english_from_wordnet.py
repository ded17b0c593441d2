"""Make english.tsv: the English words that the words of other languages are translated to.

    python -m engine.words.english_from_wordnet --wordnet DIR

A line is a synset of WordNet 3.0, its English word, its kind, and the synsets that shadow it:

- `name`: a class, a broader term, or another hypernym of a class; the word is the indexed name.
- `searched`: a word by which the search finds names (synonyms, related.json).
- `word`: another noun or an adjective in common use, which occurs in WordNet's tagged texts. A
  caption or a post may contain it.

A synset is shadowed by the most frequent senses of its own words: hot dog is also called "dog",
whose most frequent sense is the animal. A word of another language that means both got the second
one from the English word, so the shadowed synset does not count for it.

The line `-` lists the stems of English words in common use, by which English is recognized.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

from common.search.text import stem
from engine.models.imagenet_from_wordnet import (
    Nouns,
    climb,
    name_terms,
    read_first_senses,
    read_nouns,
)
from engine.models.labels import Label, load_imagenet
from engine.searching.related import related_words
from engine.words.english import VOCABULARY


def build(wordnet: Path) -> Iterator[str]:
    """Yield the lines of english.tsv, in order of the synsets."""
    nouns, first = read_nouns(wordnet), read_first_senses(wordnet)
    labels = load_imagenet()
    names = _names(labels, nouns)
    kinds = {"word": _common(wordnet, nouns), "searched": _searched(labels, first), "name": names}
    synsets = {wnid: (word, kind) for kind in kinds for wnid, word in kinds[kind].items()}
    for wnid, (word, kind) in sorted(synsets.items()):
        shadows = _shadows(wnid, nouns, first)
        yield "\t".join([f"{wnid[1:]}-{wnid[0]}", word, kind, ",".join(sorted(shadows))])
    parts = ("noun", "verb", "adj", "adv")
    in_use = {word for part in parts for word, _ in _in_use(wordnet, part)}
    named = {word for wnid in synsets if wnid in nouns for word in nouns[wnid].words}
    vocabulary = {part.lower() for word in in_use | named for part in word.split()}
    yield f"{VOCABULARY}\t{' '.join(sorted({stem(word) for word in vocabulary if word.isalpha()}))}"


def _names(labels: tuple[Label, ...], nouns: Nouns) -> dict[str, str]:
    """Return the indexed names of the classes and their hypernyms; for hypernyms that are no terms
    their own first word.
    """
    above = {wnid for label in labels for wnid in climb(label.wnid, nouns)}
    terms = {term.wnid: term.name for label in labels for term in label.broader}
    own = {wnid: nouns[wnid].words[0] for wnid in above}
    return own | name_terms(above, nouns) | terms | {label.wnid: label.name for label in labels}


def _common(wordnet: Path, nouns: Nouns) -> dict[str, str]:
    """Return by synset the adjectives and nouns in common use."""
    adjectives = {synset: word for word, synset in _in_use(wordnet, "adj")}
    return adjectives | {synset: nouns[synset].words[0] for _, synset in _in_use(wordnet, "noun")}


def _searched(labels: tuple[Label, ...], first: Mapping[str, str]) -> dict[str, str]:
    """Return by synset the words by which the search finds names."""
    synonyms = [word for label in labels for word in label.synonyms]
    synonyms += [w for label in labels for term in label.broader for w in term.synonyms]
    known = [*related_words(), *synonyms]
    return {first[word.lower()]: word for word in known if word.lower() in first}


def _in_use(wordnet: Path, part: str) -> Iterator[tuple[str, str]]:
    """Yield (word, synset of its most frequent sense) of each word with a sense in tagged texts."""
    for line in (wordnet / f"index.{part}").read_text("ascii").splitlines():
        fields = line.split()
        if not line.startswith("  ") and int(fields[5 + int(fields[3])]):
            yield fields[0].replace("_", " "), f"{fields[1]}{fields[6 + int(fields[3])]}"


def _shadows(wnid: str, nouns: Nouns, first: Mapping[str, str]) -> set[str]:
    """Return the most frequent senses of the synset's words, without the synset itself."""
    words = nouns[wnid].words if wnid in nouns else ()
    senses = {first[word.lower()] for word in words if word.lower() in first}
    return {f"{sense[1:]}-n" for sense in senses - {wnid}}


def main() -> None:
    """Write english.tsv beside this file, or to --out."""
    parser = argparse.ArgumentParser(description="Make the data file of English words.")
    parser.add_argument("--wordnet", type=Path, required=True, help="the folder of data.noun")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("english.tsv"))
    options = parser.parse_args()
    options.out.write_text("\n".join(build(options.wordnet)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
