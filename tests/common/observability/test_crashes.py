"""A crash leaves its traceback; a kill leaves nothing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.observability.crash_traces import CRASH_LOG, ENGINE_CRASH_LOG, crash_log, last_trace
from tests.support.checkout import CHECKOUT

DIES = """
import os, signal, sys
from pathlib import Path
from common.observability.crash_traces import crash_log
with crash_log(Path(sys.argv[1])) as crashed:
    print(crashed, flush=True)
    if number := int(sys.argv[2]):
        os.kill(os.getpid(), number)
"""


def run(folder: Path, number: int) -> str:
    """Whether a process in `folder` found a crash; then it gets the signal."""
    command = [sys.executable, "-c", DIES, str(folder), str(number)]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=60, check=False)
    assert ended.returncode == -number
    return ended.stdout.decode().splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_the_next_process_learns_of_a_crash_once(tmp_path: Path, number: int) -> None:
    assert run(tmp_path, number) == "False"
    assert "Current thread" in (tmp_path / CRASH_LOG).read_text()
    assert run(tmp_path, 0) == "True"
    assert run(tmp_path, 0) == "False"


def test_a_kill_is_not_taken_for_a_crash(tmp_path: Path) -> None:
    assert run(tmp_path, signal.SIGKILL) == "False"
    assert run(tmp_path, 0) == "False"


def test_a_folder_that_cannot_be_written_is_no_obstacle(tmp_path: Path) -> None:
    with crash_log(tmp_path / "missing") as crashed:
        assert not crashed


def test_each_process_of_a_folder_has_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / ENGINE_CRASH_LOG).write_text("Fatal Python error: Aborted")
    with crash_log(tmp_path) as crashed:
        assert not crashed
    assert last_trace(tmp_path, ENGINE_CRASH_LOG)
    with crash_log(tmp_path, ENGINE_CRASH_LOG) as crashed:
        assert crashed
    assert not last_trace(tmp_path, ENGINE_CRASH_LOG)
