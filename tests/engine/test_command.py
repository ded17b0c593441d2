"""Which tasks `python -m engine` serves."""

import pytest

from common.errors import AfterimageError
from common.tasks import all_contracts
from engine.__main__ import _tasks

ALL = list(all_contracts())


def test_all_unless_something_else_is_said() -> None:
    assert _tasks([]) == ALL
    assert len(ALL) > 4


def test_those_that_are_named() -> None:
    assert _tasks(["--tasks", "outline, classify,"]) == ["outline", "classify"]


def test_all_but_those_that_are_named() -> None:
    assert _tasks(["--except", "caption,embed"]) == [
        name for name in ALL if name not in ("caption", "embed")
    ]


@pytest.mark.parametrize("option", ["--tasks", "--except"])
def test_a_task_that_is_not_there_is_said(option: str) -> None:
    with pytest.raises(AfterimageError, match="blur"):
        _tasks([option, "classify,blur"])


def test_both_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _tasks(["--tasks", "classify", "--except", "embed"])
    assert "not allowed with" in capsys.readouterr().err
