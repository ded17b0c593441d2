"""The two files of docs/first-change.md, added to a copy of the project, are a working task."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.support.http.calls import get, post
from tests.support.services import processes

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "first-change.md"
PROGRAM = ("api", "common", "engine", "migrations", "standalone.py", "setup.cfg", "pyproject.toml")


def files_of(document: Path) -> dict[str, str]:
    """Return the Python blocks of a document by the path in their first line."""
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", document.read_text(), re.DOTALL | re.M)
    return dict(blocks)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program with the files of the page."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in PROGRAM:
        copier = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copier(ROOT / name, folder / name)
    for name, text in files_of(PAGE).items():
        assert not (ROOT / name).exists()
        (folder / name).write_text(text)
    return folder


def test_the_page_has_two_files() -> None:
    assert list(files_of(PAGE)) == ["common/tasks/brightness.py", "engine/tasks/brightness.py"]


def test_the_files_pass_the_linter(copy: Path) -> None:
    files = list(files_of(PAGE))
    command = [sys.executable, "-m", "ruff", "check", "--config", "pyproject.toml", *files]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_task_works(
    copy: Path, tmp_path: Path, models: str, cat: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "CHECKOUT", copy)
    with processes.standalone(tmp_path / "data", MODEL_MIRROR="", MODEL_DIR=models) as service:
        url = service.base_url
        params = {"params": json.dumps({"digits": 2})}
        answer = post(
            f"{url}/v1/predictions?wait=30",
            files={"file": ("cat.jpg", cat)},
            data={"task": "brightness"} | params,
        ).json()
        assert answer["status"] == "succeeded", answer
        assert 0.1 < answer["result"]["brightness"] < 0.9
        assert answer["model"]["name"] == "mean-luminance"
        assert answer["params"] == {"digits": 2}
        tasks = {each["name"] for each in get(f"{url}/v1/tasks").json()["items"]}
        assert "brightness" in tasks
        assert "brightness" in get(f"{url}/openapi.json").text
        ready = get(f"{url}/readyz?for=brightness")
        assert ready.status_code == 200, ready.text
