"""Texts are plain technical English: phrases that were hard to understand do not come back."""

import pytest

from tests.house.prose import BANNED, banned_in, findings, prose_of
from tests.house.sources import ROOT

# `python -m tests.house.prose NAME` lists the findings of a folder or file.
CHECKED = (
    ".ci",
    ".env.example",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "api",
    "bench",
    "common",
    "docker",
    "docs",
    "engine",
    "migrations",
    "setup.cfg",
    "standalone.py",
)

BAD = (
    "they look alike to nobody else",
    "Enter the image as nobody's bytes before",
    "shown to nobody whom it is not shown to",
    "with one of those it came together with something is the matter",
    "the items that this was among",
    "Nobody's is for whoever has its id",
    "one that is of no image is for who asked",
    "what ends some day must not beget what does not",
    "who joins it now waits no less than those did who are having their turn",
    "nothing else that stands there",
    "has whoever it turns away sleep and ask again",
    "Let nobody be signed in, also not with a copy",
    "None when the file is none",
    "Write a row an ask",
    "nothing is there while there is nothing to deliver",
    "it is in two hands",
    "What is to be looked for?",
    "This cursor leads nowhere.",
    "JSON is due",
    "This account is no more.",
)
GOOD = (
    "The owner's existing image with these bytes.",
    "Insert as new content; None if the bytes already exist.",
    "An API key cannot create another key.",
    "Standalone holds a lock; tests/house checks it.",
    "No more than 100 rows, one row per request.",
    "This account no longer exists.",
    "The housekeeper understands the standard terms.",
)


@pytest.mark.parametrize("name", CHECKED)
def test_no_banned_phrase_is_used(name: str) -> None:
    assert (ROOT / name).exists()
    assert [str(finding) for finding in findings([name])] == []


@pytest.mark.parametrize("text", BAD)
def test_the_phrases_that_were_worst_are_banned(text: str) -> None:
    assert list(banned_in(text))


@pytest.mark.parametrize("text", GOOD)
def test_plain_sentences_pass(text: str) -> None:
    assert list(banned_in(text)) == []


def test_every_phrase_has_a_replacement() -> None:
    assert len(BANNED) > 40
    assert all(BANNED.values())


def test_comments_and_strings_are_read_and_names_are_not() -> None:
    source = 'told = 1  # whoever\n"""A text.\n\nnobody\n"""\nx = f("told", f"is told {told}")\n'
    found = [(line, phrase) for line, phrase, _ in banned_in(prose_of(source))]
    assert sorted(found) == [(1, "whoever"), (4, "nobody"), (6, "told")]
