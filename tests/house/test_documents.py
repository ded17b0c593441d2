"""The documents say what the code does."""

import re
import subprocess

from tests.house.readme import README, documents, with_tables
from tests.house.sources import ROOT


def test_the_documents_tables_are_those_of_the_code() -> None:
    for path, tables in documents().items():
        text = path.read_text()
        assert with_tables(text, tables) == text, f"{path.name}: run `make fix`"


def test_every_make_verb_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    verbs = set(re.findall(r"\bmake ([a-z0-9-]+)", README.read_text()))
    rules = {
        name
        for line in re.findall(r"^([a-z0-9 -]+):", makefile, re.MULTILINE)
        for name in line.split()
    }
    assert verbs
    assert verbs <= rules


def test_every_local_link_of_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_verb_is_helped_with() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for verb in ("run", "test", "check", "fix", "e2e", "bench", "models", "migrate", "up", "down"):
        assert re.search(rf"^{verb}\b", shown.stdout, re.MULTILINE), verb
