"""The ImageNet labels: order, names, broader terms, and the program that makes them."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.models.imagenet_from_wordnet import Synset, climb, name_terms, read_labels
from engine.models.labels import Label, load_imagenet
from tests.support.checkout import CHECKOUT

MODELS = CHECKOUT / "engine" / "models"
WORDNET = Path("/usr/share/wordnet")
# Of the ids in the order of the classes of ILSVRC 2012, joined by line feeds.
WNIDS_SHA256 = "385e0240499426c022b773be1ae4da780f057b89c9694c7f47199f62746b6edd"


@pytest.fixture(scope="module")
def labels() -> tuple[Label, ...]:
    return load_imagenet()


def broader(label: Label) -> list[str]:
    return [term.name for term in label.broader]


def named(labels: tuple[Label, ...], term: str) -> set[str]:
    """The classes that a word leads to: by their own names, or by any word for a broader term."""
    return {
        label.name
        for label in labels
        if term in (label.name, *label.synonyms)
        or any(term in (above.name, *above.synonyms) for above in label.broader)
    }


def test_the_classes_are_a_thousand_in_the_order_of_the_models(labels: tuple[Label, ...]) -> None:
    assert [label.index for label in labels] == list(range(1000))
    joined = "\n".join(label.wnid for label in labels).encode()
    assert hashlib.sha256(joined).hexdigest() == WNIDS_SHA256


def test_names_and_synonyms_are_those_of_the_models_label_file(labels: tuple[Label, ...]) -> None:
    path = Path(os.environ.get("MODEL_MIRROR", ""), "imagenet_labels.txt")
    if not path.is_file():
        pytest.skip("MODEL_MIRROR is no folder with imagenet_labels.txt")
    lines = [", ".join((label.name, *label.synonyms)) for label in labels]
    assert ["background", *lines] == path.read_text("utf-8").splitlines()


@pytest.mark.slow
def test_the_committed_file_is_what_the_program_makes(
    labels: tuple[Label, ...], tmp_path: Path
) -> None:
    if not (WORDNET / "data.noun").is_file():
        pytest.skip("WordNet (Debian's wordnet-base) is not installed")
    wnids, names, made = tmp_path / "wnids", tmp_path / "labels", tmp_path / "made.json"
    wnids.write_text("".join(f"{label.wnid}\n" for label in labels))
    lines = [", ".join((label.name, *label.synonyms)) for label in labels]
    names.write_text("\n".join(["background", *lines]))
    run = [sys.executable, "-m", "engine.models.imagenet_from_wordnet"]
    run += ["--wnids", str(wnids), "--labels", str(names), "--wordnet", str(WORDNET)]
    done = subprocess.run(
        [*run, "--out", str(made)], cwd=MODELS.parents[1], capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")  # on stderr: labels that WordNet denies
    assert made.read_bytes() == (MODELS / "imagenet.json").read_bytes()


@pytest.mark.parametrize(
    ("index", "name", "terms"),
    [
        (285, "Egyptian cat", {"cat", "feline", "animal"}),
        (281, "tabby", {"cat", "animal"}),
        (258, "Samoyed", {"dog", "domestic animal", "mammal", "animal"}),
        (88, "macaw", {"parrot", "bird", "animal"}),
        (8, "hen", {"chicken", "bird", "animal"}),
        (817, "sports car", {"car", "motor vehicle", "vehicle"}),
        (779, "school bus", {"bus", "motor vehicle", "vehicle"}),
        (404, "airliner", {"airplane", "aircraft", "vehicle"}),
        (914, "yawl", {"boat", "vehicle"}),
        (963, "pizza", {"food"}),
        (954, "banana", {"fruit", "food"}),
        (948, "Granny Smith", {"apple", "fruit", "food"}),
        (967, "espresso", {"coffee", "drink"}),
        (559, "folding chair", {"chair", "furniture"}),
        (497, "church", {"building"}),
        (454, "bookshop", {"shop", "building"}),
        (610, "jersey", {"shirt", "clothing"}),
        (514, "cowboy boot", {"boot", "footwear", "clothing"}),
        (402, "acoustic guitar", {"guitar", "musical instrument"}),
        (587, "hammer", {"tool"}),
        (985, "daisy", {"flower", "plant"}),
        (620, "laptop", {"computer", "electronics"}),
        (980, "volcano", {"mountain"}),
        (981, "ballplayer", {"person"}),
    ],
)
def test_a_class_has_the_broader_terms_a_person_would_use(
    labels: tuple[Label, ...], index: int, name: str, terms: set[str]
) -> None:
    assert labels[index].name == name
    assert set(broader(labels[index])) >= terms


def test_broader_terms_go_from_the_nearest_to_the_widest(labels: tuple[Label, ...]) -> None:
    assert broader(labels[285]) == ["cat", "feline", "domestic animal", "mammal", "animal"]
    assert broader(labels[817]) == ["car", "motor vehicle", "vehicle"]
    below = Counter(name for label in labels for name in broader(label))
    for label in labels:
        sizes = [below[name] for name in broader(label)]
        assert sizes == sorted(sizes), label.name


def test_scaffolding_of_wordnet_is_left_out(labels: tuple[Label, ...]) -> None:
    met = {term.name for label in labels for term in label.broader}
    scaffolding = "entity, physical entity, object, whole, matter, artifact, instrumentality"
    scaffolding += ", organism, chordate, vertebrate, placental, carnivore, covering, device, solid"
    assert met.isdisjoint(scaffolding.split(", "))
    assert "container" not in broader(labels[817])  # WordNet puts wheeled vehicles there


@pytest.mark.parametrize(
    ("word", "found", "not_found"),
    [
        ("kitten", {"tabby", "Egyptian cat", "Persian cat"}, {"lion", "Samoyed"}),
        ("puppy", {"Samoyed", "pug"}, {"timber wolf", "tabby"}),
        ("automobile", {"cab", "convertible", "minivan"}, {"moped", "freight car"}),
        ("vehicle", {"cab", "speedboat", "airliner", "trolleybus"}, {"car wheel", "purse"}),
        ("animal", {"tabby", "hen", "ant", "goldfish", "jellyfish"}, {"teddy", "daisy"}),
        ("train", {"bullet train", "freight car", "steam locomotive"}, {"cab"}),
        ("telephone", {"cellular telephone", "pay-phone"}, {"radio"}),
    ],
)
def test_a_word_of_a_search_leads_to_its_classes(
    labels: tuple[Label, ...], word: str, found: set[str], not_found: set[str]
) -> None:
    classes = named(labels, word)
    assert classes >= found
    assert classes.isdisjoint(not_found)


def test_a_broader_term_is_one_object_of_one_name(labels: tuple[Label, ...]) -> None:
    terms = [term for label in labels for term in label.broader]
    assert len({id(term) for term in terms}) == len({term.name for term in terms})
    assert len({term.wnid for term in terms}) == len({term.name for term in terms})
    for label in labels:
        assert len(set(broader(label))) == len(label.broader)
        assert label.name not in broader(label)


def test_classes_of_one_name_and_only_these_have_hints(labels: tuple[Label, ...]) -> None:
    hints = {label.index: (label.name, label.hint) for label in labels if label.hint}
    assert hints == {
        134: ("crane", "wading bird"),
        517: ("crane", "lifting device"),
        264: ("Cardigan", "corgi"),
        474: ("cardigan", "sweater"),
        638: ("maillot", "tights"),
        639: ("maillot", "swimsuit"),
    }
    assert len({(label.name.lower(), label.hint) for label in labels}) == 1000


def test_labels_are_frozen_and_each_load_is_its_own(labels: tuple[Label, ...]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        labels[0].name = "shark"  # type: ignore[misc]
    again = load_imagenet()
    assert again == labels
    assert again[0] is not labels[0]


def test_the_licence_of_wordnet_lies_beside_the_file() -> None:
    licence = (MODELS / "imagenet.LICENSE").read_text("utf-8")
    assert "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved." in licence
    assert "imagenet.LICENSE" in (MODELS / "imagenet.json").read_text("utf-8")[:200]


DOG = {
    "n1": Synset(["dog"], ["n2", "n3"]),
    "n2": Synset(["canine"], ["n4"]),
    "n3": Synset(["pet"], ["n5"]),
    "n4": Synset(["mammal"], ["n5"]),
    "n5": Synset(["animal"], []),
}


def test_all_parents_are_climbed_and_none_comes_before_a_narrower_one() -> None:
    assert climb("n1", DOG) == ["n2", "n4", "n3", "n5"]


def test_label_lines_in_another_order_than_the_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("background\ncanine\ndog\n")
    with pytest.raises(ValueError, match=r"'canine'.* cannot be n1, which is .*'dog'"):
        read_labels(path, ["n1", "n2"], DOG)


@pytest.mark.parametrize("text", ["dog\ncanine\n", "background\ndog\n", "background\n" * 4])
def test_a_label_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match="expected 'background' and a line for each of 2 classes"):
        read_labels(path, ["n1", "n2"], DOG)


def test_a_label_line_that_differs_from_wordnet_is_kept_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "labels.txt"
    path.write_text("background\nhound, dog\ncanine\n")
    assert read_labels(path, ["n1", "n2"], DOG) == [["hound", "dog"], ["canine"]]
    assert capsys.readouterr().err == f"n1: {path} has ['hound', 'dog'], WordNet ['dog']\n"


def test_a_table_entry_that_is_never_met_is_refused() -> None:
    with pytest.raises(ValueError, match="above none of the classes"):
        name_terms(DOG, DOG)
