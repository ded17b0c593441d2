"""The documents agree with the code."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.house.generated_tables import README, documents, with_tables
from tests.house.sources import ROOT, tracked_files

DOCUMENTS = [path for path in tracked_files("*.md") if path.name != "CHANGELOG.md"]
WORDS_OF_README = 1_100
# A path in backticks that begins with a folder of the project, without wildcards or placeholders.
PATH = re.compile(
    r"`((?:api|bench|client|common|docker|docs|engine|migrations|requirements|tests)/[\w./-]*)`"
)


def test_the_documents_tables_are_those_of_the_code() -> None:
    for path, tables in documents().items():
        text = path.read_text()
        assert with_tables(text, tables) == text, f"{path.name}: run `make fix`"


def test_the_readme_is_short() -> None:
    assert len(README.read_text().split()) <= WORDS_OF_README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    links = re.findall(r"\]\((?!https?:|mailto:)([^)#]+)", text)
    missing = [link for link in links if not (document.parent / link).exists()]
    missing += [name for name in PATH.findall(text) if not (ROOT / name).exists()]
    assert missing == []


def test_the_check_finds_paths() -> None:
    assert PATH.findall("see `api/app.py` and `docs/`, not `api/<name>.py` or `/v1/search`") == [
        "api/app.py",
        "docs/",
    ]
    assert [path for path in DOCUMENTS if PATH.search(path.read_text())]


def test_every_make_command_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    commands = set(re.findall(r"[`\n]make ([a-z0-9-]+)", text))
    targets = {
        name
        for line in re.findall(r"^([a-z0-9 -]+):", makefile, re.MULTILINE)
        for name in line.split()
    }
    assert commands
    assert commands <= targets


def test_every_make_command_has_a_help_line() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for verb in ("run", "test", "check", "fix", "e2e", "bench", "models", "migrate", "up", "down"):
        assert re.search(rf"^{verb}\b", shown.stdout, re.MULTILINE), verb


def test_no_file_cites_a_document_that_is_not_here() -> None:
    cited = re.compile(r"\bDESIGN\b|(?<![\w/])spec/\w|\bissue #?\d|/shared/(spec|review)")
    faults = re.compile(r"\bF(?:1[0-3]|[1-9])\b")
    for path in tracked_files("*.py", "*.md", "*.html", "*.yml", "*.yaml", "*.cfg", "Makefile"):
        text = path.read_text()
        if path == Path(__file__):
            continue
        assert not cited.findall(text), path
        if faults.search(text):
            assert "fault-model.md" in text or path.name == "fault-model.md", path
