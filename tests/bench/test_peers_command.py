"""The options and exit codes of `python -m bench.peers`."""

import os
import subprocess
import sys

from tests.house.sources import ROOT


def run(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench.peers", *options],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_missing_program_skips_the_contender_and_changes_the_exit_code() -> None:
    done = run("--only=celery", PATH="/nonexistent")
    assert done.returncode == 3
    assert "skipped Celery + Redis + FastAPI: " in done.stderr
    assert "is not installed" in done.stderr


def test_documents_are_not_filled_from_a_part_of_the_comparison() -> None:
    assert run("--out", "--only=celery").returncode == 2


def test_an_unknown_contender_is_an_error() -> None:
    done = run("--only=nothing")
    assert done.returncode == 2
    assert "no contender's name contains 'nothing'" in done.stderr
