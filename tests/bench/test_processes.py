"""Programs that the benchmark starts, and the lines that they print."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from bench.peers.contenders import Contender
from bench.processes import BenchFailed, program, talking_program
from bench.stack import Stack

CHILD_WITH_A_SESSION = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""


def test_lines_that_arrive_together_are_returned_one_by_one() -> None:
    text = "import sys; sys.stdout.write('done\\n{}\\n'); sys.stdout.flush()"
    with talking_program("the program", [sys.executable, "-c", text]) as found:
        assert [found.hear(30), found.hear(30)] == [b"done", b"{}"]
        with pytest.raises(BenchFailed, match="the program ended early"):
            found.hear(30)


def test_a_program_ends_with_its_descendants_in_other_sessions(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        command = [sys.executable, "-c", CHILD_WITH_A_SESSION]
        with program(command, os.environ, log) as process:
            while not (said := (tmp_path / "log").read_text()).endswith("\n"):
                assert process.poll() is None
            child = psutil.Process(int(said))
            assert child.is_running()
    assert process.poll() is not None
    assert child.wait(30) is None or not child.is_running()


def test_a_contender_names_the_program_that_is_missing() -> None:
    def start(_folder: Path, _models: Path) -> Stack:
        raise AssertionError

    def contender(*programs: str) -> Contender:
        return Contender("Peer", "no", "raw", start, programs)  # type: ignore[arg-type]

    assert contender(sys.executable).missing() == ""
    assert contender(sys.executable, "no-such-server").missing() == "no-such-server"
