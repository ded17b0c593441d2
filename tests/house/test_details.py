"""The text of a library's exception never becomes a detail that callers of the API read."""

import ast
from collections.abc import Iterator

from tests.house.sources import ROOT, python_files

PRODUCT = [ROOT / each for each in ("api", "common", "engine", "standalone.py")]
OWN = ("detail", "code", "errors", "normalized_messages")  # these hold our own words alone
# Functions that choose their words themselves (common/storage/adapter.py) begin in lower case.
# Errors that no caller of the API gets to see: settings are for the operator, Refused and
# Interrupted are caught by the command that installs models, ValueErrors by their callers.
INTERNAL = {"SettingsError", "SystemExit", "ValueError"}
COMMANDS = {("engine/models/sources.py", "Refused"), ("engine/models/sources.py", "Interrupted")}


def test_no_error_repeats_the_text_of_the_exception_that_it_was_raised_from() -> None:
    found = set()
    for path in python_files():
        if any(path.is_relative_to(each) for each in PRODUCT):
            name = str(path.relative_to(ROOT))
            raised = repeating(ast.parse(path.read_text()))
            found |= {(name, kind) for kind in raised if is_told(kind)}
    assert found == COMMANDS


def test_the_check_finds_what_it_is_for() -> None:
    source = "try:\n    f()\nexcept OSError as error:\n    raise Unavailable({}) from error\n"
    for bad in ("str(error)", 'f"no answer: {error}"', "_short(error)", "error.args[0]"):
        assert list(repeating(ast.parse(source.format(bad)))) == ["Unavailable"], bad
    for good in ('"no answer"', "error.detail", "AWAY, code=error.code"):
        assert not list(repeating(ast.parse(source.format(good)))), good


def is_told(kind: str) -> bool:
    """Whether a caller of the API may get to read an error of this class."""
    return kind[0].isupper() and kind not in INTERNAL


def repeating(tree: ast.Module) -> Iterator[str]:
    """The classes that are raised with something made of the exception being handled."""
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler) and handler.name:
            for node in ast.walk(handler):
                call = node.exc if isinstance(node, ast.Raise) else None
                if isinstance(call, ast.Call) and _uses(call, handler.name):
                    yield ast.unparse(call.func)


def _uses(call: ast.Call, name: str) -> bool:
    harmless = {
        id(node.value)
        for node in ast.walk(call)
        if isinstance(node, ast.Attribute) and node.attr in OWN
    }
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(
        isinstance(node, ast.Name) and node.id == name and id(node) not in harmless
        for argument in arguments
        for node in ast.walk(argument)
    )
