"""Pulling in processes of their own: several at once, one that is killed, the command line."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from engine.models.catalogue import Manifest
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.models.verification import is_installed
from tests.engine.models.small import assert_installed, manifest, nowhere
from tests.support.checkout import CHECKOUT
from tests.support.servers import files
from tests.support.servers.files import Site

pytestmark = pytest.mark.slow

LIMIT = 60  # seconds that a process of ours may take


def pull_in_a_process(model: Manifest, model_dir: Path) -> Path:
    return pull(model, model_dir, "", Lines())


def test_processes_that_pull_at_once_fetch_it_once(site: Site, tmp_path: Path) -> None:
    site.faults = [files.slow]
    model = manifest(site.url)
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        pulls = [processes.submit(pull_in_a_process, model, tmp_path) for _ in range(3)]
        assert len({done.result(timeout=LIMIT) for done in pulls}) == 1
    assert_installed(model, tmp_path / model.folder)
    assert len(site.asked) == 1


def test_a_pull_that_is_killed_leaves_no_model_and_the_next_one_goes_on(
    site: Site, tmp_path: Path
) -> None:
    site.faults = [files.stuck_in_the_middle]
    model = manifest(site.url)
    part = tmp_path / model.folder / "net.bin.part"
    process = get_context("spawn").Process(target=pull_in_a_process, args=(model, tmp_path))
    process.start()
    deadline = time.monotonic() + LIMIT
    while not (part.exists() and part.stat().st_size):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join(LIMIT)
    there = part.stat().st_size
    assert not is_installed(model, tmp_path / model.folder)
    assert_installed(model, pull(model, tmp_path, "", Lines()))
    assert site.asked[-1] == ("/files/net.bin", f"bytes={there}-")


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m engine.models` without a way to the internet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MODEL_")}
    return subprocess.run(
        [sys.executable, "-m", "engine.models", *arguments],
        cwd=CHECKOUT,
        env=kept | {"HTTPS_PROXY": nowhere()} | env,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def test_the_command_pulls_shows_and_verifies(mirror: str, tmp_path: Path) -> None:
    place = {"MODEL_DIR": str(tmp_path), "MODEL_MIRROR": mirror}
    missing = run("verify", **place)
    assert (missing.returncode, missing.stderr) == (1, "")
    assert "make models" in missing.stdout
    pulled = run("pull", "--task", "classify", **place)
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert run("verify", "--task", "classify", **place).returncode == 0
    [line] = [line for line in run("list", **place).stdout.splitlines() if "classify" in line]
    assert line.endswith(" installed, default")


def test_the_command_says_in_one_message_why_it_failed(tmp_path: Path) -> None:
    failed = run("pull", "--model-dir", str(tmp_path), "--mirror", str(tmp_path / "none"))
    assert failed.returncode == 1
    assert failed.stderr.startswith("models: ")
    assert "MODEL_MIRROR" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_command_names_the_tasks_that_have_models() -> None:
    failed = run("pull", "--task", "dream")
    assert failed.returncode == 1
    assert "classify" in failed.stderr
