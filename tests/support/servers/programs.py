"""Server programs as processes: started, held on a leash, stopped, killed, frozen and wiped."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

START_SECONDS = 60.0
STOP_SECONDS = 20.0
FIRST_PORT, PORTS_PER_WORKER, PORT_RANGES = 12_000, 2_500, 8


class HeldProgram:
    """A process that ends when this one does, however this one ends.

    Its leash is a shell that waits for the end of a pipe, which even SIGKILL closes.
    """

    def __init__(self, process: subprocess.Popen[bytes]):
        self.process = process
        leash = ["sh", "-c", 'read -r _; kill -9 "$0"', str(process.pid)]
        self._leash = subprocess.Popen(leash, stdin=subprocess.PIPE, start_new_session=True)

    def end(self, number: int) -> None:
        """Send the signal and wait; SIGKILL when that takes too long."""
        self.process.send_signal(number)
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._leash.kill()
        self._leash.communicate()


@dataclass
class RunningServer:
    """A server program and its data: it can be stopped, killed, frozen, wiped and started again.

    `url` and `port` stay the same over restarts; `pid` is None while it does not run. As a context
    manager it is stopped at the end.
    """

    url: str
    port: int
    folder: Path
    command: Sequence[str]
    environment: Mapping[str, str]
    prepare: Sequence[str]
    hello: bytes = b""
    _program: HeldProgram | None = None

    @property
    def pid(self) -> int | None:
        return self._program.process.pid if self._program is not None else None

    def start(self) -> Self:
        """Start on the same port and data, and wait until it answers. Raises RuntimeError."""
        if not (self.folder / "data").exists() and self._run(self.prepare).wait(START_SECONDS):
            raise RuntimeError(f"{self.prepare[0]} failed:\n{self._output()}")
        if self._program is None:
            self._program = self._hold(self.command)
        self._wait_until_ready()
        return self

    def stop(self) -> None:
        """End it in good order: SIGTERM, and SIGKILL if that takes too long."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what a crash or the out-of-memory killer does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Kill it and delete its data; the next start begins with nothing."""
        self.kill()
        shutil.rmtree(self.folder / "data", ignore_errors=True)

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "output.log").open("ab") as log:
            return subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _output(self) -> str:
        return (self.folder / "output.log").read_text(errors="replace")[-2000:]

    def _hold(self, command: Sequence[str]) -> HeldProgram:
        return HeldProgram(self._run(command))

    def _signal(self, number: int) -> None:
        if self._program is not None:
            self._program.process.send_signal(number)

    def _end(self, number: int) -> None:
        program, self._program = self._program, None
        if program is not None:
            program.end(number)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port, self.hello):
            gone = self._program is None or self._program.process.poll() is not None
            if gone or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.command[0]} did not start:\n{self._output()}")
            time.sleep(0.05)


def answers(port: int, hello: bytes = b"") -> bool:
    """Whether the server on this port says something, after `hello` where it speaks second."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(hello)
            return bool(connection.recv(1))
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Return ports that no program listens on, all different.

    They are below the range from which the system gives ports to outgoing connections, and each
    worker of pytest-xdist has a range of its own, so that nothing takes a port before its server.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker % PORT_RANGES * PORTS_PER_WORKER
    candidates = random.sample(range(first, first + PORTS_PER_WORKER), PORTS_PER_WORKER)
    free = (port for port in candidates if _is_free(port))
    return list(islice(free, count))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def find_program(*candidates: str) -> str | None:
    """The first of these programs or paths that exists here."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    return next((found for one in candidates if (found := shutil.which(one, path=path))), None)
