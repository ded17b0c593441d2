"""One file normalises texts, since it alone checks their length first."""

import ast

from tests.house.sources import ROOT, python_files

ONLY = "common/unicode.py"


def test_only_one_file_calls_unicodedata_normalize() -> None:
    product = [ROOT / each for each in ("api", "common", "engine", "standalone.py", "migrations")]
    calling = set()
    for path in python_files():
        if any(path.is_relative_to(each) for each in product):
            for node in ast.walk(ast.parse(path.read_text())):
                is_call = isinstance(node, ast.Attribute) and node.attr == "normalize"
                is_import = isinstance(node, ast.ImportFrom) and node.module == "unicodedata"
                if is_call or is_import:
                    calling.add(str(path.relative_to(ROOT)))
    assert calling == {ONLY}
