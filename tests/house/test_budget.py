"""The house's budget: small files, small functions, and one file that knows both wings."""

import ast
import statistics
from pathlib import Path

from tests.house.sources import ROOT, body_lines, functions, python_files

MOST_FILE_LINES = 250
MOST_FUNCTION_LINES = 40
MEDIAN_FUNCTION_LINES = 8
WINGS = {"api", "engine"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_longer_than_the_budget() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in python_files()}
    assert len(lengths) > 50
    assert {name: n for name, n in lengths.items() if n > MOST_FILE_LINES} == {}


def test_no_function_is_longer_than_the_budget() -> None:
    lengths = {
        f"{named(path)}:{function.name}": body_lines(function)
        for path in python_files()
        for function in functions(ast.parse(path.read_text()))
    }
    assert {name: n for name, n in lengths.items() if n > MOST_FUNCTION_LINES} == {}
    product = [n for name, n in lengths.items() if not name.startswith(("tests", "migrations"))]
    assert statistics.median(product) <= MEDIAN_FUNCTION_LINES


def imported(path: Path) -> set[str]:
    """The top-level names that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_only_standalone_knows_both_wings() -> None:
    product = [
        path for path in python_files() if named(path).split("/")[0] not in ("tests", "bench")
    ]
    both = [named(path) for path in product if imported(path) >= WINGS]
    assert both == ["standalone.py"]


def test_every_module_says_what_lives_in_it() -> None:
    silent = [
        named(path)
        for path in python_files()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []
