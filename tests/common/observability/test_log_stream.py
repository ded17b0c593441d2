"""A log line that cannot be written costs nothing: on a full disk, without a reader, unread."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest

from common.observability.log_stream import LogStream
from common.observability.log_text import escape_controls, hide_values
from tests.support.checkout import CHECKOUT

LINE = "x" * 200 + "\n"
PROGRAM = """
import logging, sys, time
import structlog
from prometheus_client import Counter
from common.observability.logs import configure, count_lost_lines
configure("info", "json")
lost = Counter("lost", "Lost lines.")
log = structlog.get_logger("test")
began = time.monotonic()
for number in range(2_000):
    log.info("line", number=number, text="x" * 200, method="GET", name="a")
logging.getLogger("other").warning("by the standard library")
print("printed", file=sys.stderr)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("in an except branch")
class Bad:
    def __repr__(self):
        raise MemoryError
log.info("a value that cannot be shown", value=Bad())
count_lost_lines(lost)
log.info("once more")
print(int(lost._value.get()), time.monotonic() - began)
"""


def run(stderr: int | IO[bytes] | None) -> tuple[int, float]:
    """Lines that the program lost, and the seconds that it took."""
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=stderr, timeout=60, check=True
    )
    lost, seconds = done.stdout.split()
    return int(lost), float(seconds)


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends; either may be closed meanwhile."""
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


def test_only_the_line_that_cannot_be_made_is_lost(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        lost, _ = run(file)
    text = (tmp_path / "log").read_text()
    assert lost == 1
    assert text.count('"event": "line"') == 2_000
    for expected in ("by the standard library", "printed", "ZeroDivisionError", "once more"):
        assert expected in text


def test_a_full_disk_costs_only_the_lines() -> None:
    with Path("/dev/full").open("wb") as full:
        lost, seconds = run(full)
    assert lost >= 2_004
    assert seconds < 10


def test_a_pipe_without_a_reader_costs_only_the_lines() -> None:
    with pipe() as (reader, writer):
        os.close(reader)
        lost, seconds = run(writer)
    assert lost >= 2_004
    assert seconds < 10


def test_a_pipe_that_is_not_read_blocks_nobody() -> None:
    with pipe() as (reader, writer):
        lost, seconds = run(writer)
        held = os.read(reader, 1 << 20)
    assert 1_000 < lost < 2_004, "what fits into the pipe is written"
    assert held.startswith(b'{"number": 0')
    assert seconds < 10


def test_a_closed_stderr_is_no_descriptor_for_others(tmp_path: Path) -> None:
    """Descriptor 2 would be the next file that is opened, such as the database."""
    program = (
        "import os; from common.observability.logs import configure; configure('info', 'json');"
        f"file = open({str(tmp_path / 'data')!r}, 'wb'); os.write(2, b'noise');"
        "print(file.fileno())"
    )
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, check=True, timeout=60)
    assert int(done.stdout) > 2
    assert (tmp_path / "data").read_bytes() == b""


def test_writing_goes_on_when_the_reader_is_back() -> None:
    with pipe() as (reader, writer):
        stream = LogStream(writer)
        while not stream.lost:
            stream.write(LINE)
        lost = stream.lost
        held = os.read(reader, 1 << 20)
        stream.write("after the gap\n")
        assert stream.lost == lost
        assert os.read(reader, 1 << 20).split(b"\n")[-2] == b"after the gap"
        assert set(held.split(b"\n")[:-1]) == {LINE.strip().encode()}


def test_a_line_that_was_cut_ends_before_the_next_one() -> None:
    with pipe() as (reader, writer):
        stream = LogStream(writer)
        stream.write("y" * (1 << 20) + "\n")  # more than a pipe holds
        assert stream.lost == 1
        while len(os.read(reader, 1 << 20)) == 1 << 16:
            stream.write("next\n")
            break
        assert os.read(reader, 1 << 20) == b"\nnext\n"


def test_only_the_first_line_that_is_not_read_waits() -> None:
    with pipe() as (_, writer):
        stream = LogStream(writer)
        while not stream.lost:
            stream.write(LINE)
        began = time.monotonic()
        for _number in range(1_000):
            stream.write(LINE)
        assert time.monotonic() - began < 1
        assert stream.lost > 1_000


def test_a_pipe_shared_with_others_keeps_their_mode() -> None:
    with pipe() as (_, writer):
        LogStream(writer).write("a\n")
        assert os.get_blocking(writer)


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "a\x9bb", "\r\n", "\u202eevil", "\x7f"])
def test_control_characters_are_escaped(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", escape_controls(text))


CONSOLE = """
import structlog
from common.observability.logs import configure
configure("info", "console")
log = structlog.get_logger("test")
def log_in(password):
    raise ValueError("bad name \\x1b[2Kgone")
log.info("request \\x1b[1m", path="/\\x1b]0;pwned\\x07\\x1b[2K", items=["\\x1b[3m"])
try:
    log_in("hunter2" + "-password")
except ValueError:
    log.exception("failed")
"""


def test_the_console_shows_no_escapes_of_others_and_no_local_variables() -> None:
    command = [sys.executable, "-c", CONSOLE]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
    foreign = re.sub("\x1b\\[[0-9;]*m", "", done.stderr)  # structlog's own colours
    assert "\x1b" not in foreign
    assert "\x07" not in done.stderr
    for code in ("\x1b[2K", "\x1b[3m"):
        assert code not in done.stderr
    assert r"/\x1b]0;pwned\x07" in foreign
    assert "ValueError: bad name" in foreign
    assert "hunter2-password" not in foreign


def test_values_that_a_database_repeats_are_left_out() -> None:
    said = """(1062, "Duplicate entry 'anna@example.org' for key 'users.email'")"""
    assert hide_values(said) == """(1062, "Duplicate entry '…' for key 'users.email'")"""
    wrong = "(1366, \"Incorrect string value: '\\\\xF0\\\\x9F' for column 'name' at row 1\")"
    assert "xF0" not in hide_values(wrong)


def test_json_lines_stay_json_whatever_they_hold(tmp_path: Path) -> None:
    program = (
        "import structlog; from common.observability.logs import configure;"
        "configure('info', 'json');"
        "structlog.get_logger().info('a', path='\\x1b\\n\\ud800', other=object())"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=60, check=True)
    assert json.loads(done.stderr)["path"] == "\x1b\n\ud800"
