"""Words that are no names in the index, and the names that stand for them."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.search.text import terms
from engine.models.labels import load_imagenet
from engine.searching import related
from engine.searching.query_expansion import parse
from engine.searching.related import load_related
from tests.support.checkout import CHECKOUT
from tests.support.servers.backends import missing

FILE = Path(related.__file__).with_name("related.json")
WORDNET = Path("/usr/share/wordnet")
LABELS = load_imagenet()


def names(query: str) -> set[str]:
    return {each.name for each in parse(query, load_related()).related}


@pytest.mark.slow
def test_the_file_is_what_its_command_makes(tmp_path: Path) -> None:
    if not WORDNET.is_dir():
        missing("WordNet (Debian's wordnet-base) is not installed")
    made = tmp_path / "made.json"
    command = [sys.executable, "-m", "engine.searching.related_from_wordnet"]
    command += ["--wordnet", str(WORDNET), "--out", str(made)]
    subprocess.run(command, cwd=CHECKOUT, check=True, timeout=60)
    assert made.read_bytes() == FILE.read_bytes()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("a red sedan", "car"), ("Sedans", "car"), ("tomcat", "cat"), ("stallion", "horse"),
        ("bulldozer", "tractor"), ("hatchback in the snow", "car"), ("saddlebill", "stork"),
    ],
)  # fmt: skip
def test_a_kind_of_a_thing_leads_to_the_thing(query: str, name: str) -> None:
    assert name in names(query)


@pytest.mark.parametrize("query", ["cat", "kitten", "vehicle", "xyzzy", "of the", "president"])
def test_what_the_index_knows_or_nobody_does_leads_nowhere_else(query: str) -> None:
    assert names(query) == set()


def test_every_name_is_one_of_the_index_and_no_word_is() -> None:
    known = {terms(label.name) for label in LABELS}
    known |= {terms(term.name) for label in LABELS for term in label.broader}
    for phrase, found in load_related().items():
        assert found, phrase
        assert all(terms(name) in known and 0 < weight < 1 for name, weight in found)
    assert len(load_related()) > 5_000
