"""`python -m engine.webhooks`: the service's secret, for who runs the service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.webhooks.receivers import check_secret
from tests.support.checkout import CHECKOUT
from tests.support.rows.databases import migrate
from tests.support.services.processes import OURS

pytestmark = pytest.mark.slow


def said(folder: Path, *verb: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command on the database in `folder`."""
    environ = {key: value for key, value in os.environ.items() if key not in OURS}
    done = subprocess.run(
        [sys.executable, "-m", "engine.webhooks", *verb],
        cwd=CHECKOUT,
        env=environ | {"DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_a_secret_is_shown_and_replaced(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'afterimage.db'}", tmp_path)
    code, first, _ = said(tmp_path, "secret")
    assert (code, check_secret(first)) == (0, first)
    assert said(tmp_path, "secret")[1] == first
    code, second, _ = said(tmp_path, "rotate")
    assert (code, check_secret(second)) == (0, second)
    assert second != first
    assert said(tmp_path, "secret")[1] == second


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    code, output, errors = said(tmp_path)
    assert (code, output) == (2, "")
    assert "secret,rotate" in errors
    code, output, errors = said(tmp_path / "without-tables", "rotate")
    assert (code, output) == (1, "")
    assert errors
