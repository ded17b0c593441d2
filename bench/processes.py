"""Processes that the benchmark starts, and what each of them costs in CPU time and memory."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

HOUSE = Path(__file__).resolve().parent.parent
STOP_SECONDS = 15.0


class BenchFailed(Exception):
    """The benchmark cannot continue; the message is the reason."""


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt at the first SIGINT or SIGTERM and ignore later ones: the clean-up
    that follows is bounded in time and must not be interrupted in turn.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def program(
    command: Sequence[str], env: Mapping[str, str], log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own; at the end it and all that it started are gone."""
    process = subprocess.Popen(
        command, cwd=HOUSE, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        _end(process)


@contextmanager
def helper(module: str, *arguments: object, fds: Sequence[int] = ()) -> Iterator["Helper"]:
    """A module of the benchmark's own as a process that talks in lines."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with talking_program(module, command, fds) as found:
        yield found


@contextmanager
def talking_program(
    name: str, command: Sequence[str], fds: Sequence[int] = ()
) -> Iterator["Helper"]:
    """A program that talks in lines; `name` is what error messages call it."""
    process = subprocess.Popen(
        command, cwd=HOUSE, pass_fds=fds,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        yield Helper(name, process)
    finally:
        _end(process)


class Helper:
    """The near end of a helper's standard input and output."""

    def __init__(self, name: str, process: subprocess.Popen[bytes]):
        assert process.stdin and process.stdout
        self._name = name
        self._in, self._out = process.stdin, process.stdout
        self._heard = b""  # read, but not returned yet
        self.pid = process.pid

    def say(self, line: str = "") -> None:
        """Send a line."""
        self._in.write(line.encode() + b"\n")
        self._in.flush()

    def hear(self, seconds: float) -> bytes:
        """The next line; raises BenchFailed when none comes in time or the helper is gone."""
        while b"\n" not in self._heard:
            if not select.select([self._out], [], [], seconds)[0]:
                raise BenchFailed(f"{self._name} printed nothing for {seconds:.0f} s")
            if not (received := os.read(self._out.fileno(), 1 << 20)):
                raise BenchFailed(f"{self._name} ended early")
            self._heard += received
        line, _, self._heard = self._heard.partition(b"\n")
        return line


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM; then SIGKILL for all that is left of its process group and of its descendants, which
    may have groups of their own.
    """
    started = _descendants(process.pid)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        started += _descendants(process.pid)
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for each in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@dataclass(frozen=True, slots=True)
class Memory:
    """What a part holds, in bytes; `pss` shares out the pages that its processes have in common."""

    processes: int
    rss: int
    pss: int


class UsageMeter:
    """CPU seconds of every part and of the whole machine since it was made."""

    def __init__(self, parts: Mapping[str, int]):
        self._parts = parts
        self._start = self._read()
        self._since = time.perf_counter()

    def stop(self) -> dict[str, float]:
        """Return CPU seconds by part, of `others` (the rest of the machine) and `idle`."""
        end, seconds = self._read(), time.perf_counter() - self._since
        used = {name: end[name] - self._start[name] for name in end}
        busy = used.pop("machine")
        used["others"] = max(0.0, busy - sum(used.values()))
        return used | {"idle": max(0.0, seconds * (os.cpu_count() or 1) - busy)}

    def _read(self) -> dict[str, float]:
        by_part = {name: sum(map(_cpu, family(pid))) for name, pid in self._parts.items()}
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        # Guests' time is in user's already.
        guests = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        return by_part | {"machine": sum(times) - idle - guests}


def memory_of(pid: int) -> Memory:
    """Of the process and all its descendants."""
    known = [process.memory_full_info() for process in family(pid)]
    pss = sum(getattr(one, "pss", one.rss) for one in known)
    return Memory(len(known), sum(one.rss for one in known), pss)


def family(pid: int) -> list[psutil.Process]:
    """The process and all its descendants."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return family(pid)[1:]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
