"""The real service in processes of its own, on loopback, in a folder that the test gives.

`standalone(folder)` is what `make run` starts. Started again on the same folder it finds its data.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import requests

from api.gunicorn.settings import ServerSettings
from common.settings import Settings
from tests.support.checkout import CHECKOUT
from tests.support.servers.private import free_ports

BESIDE = CHECKOUT.parent / "shared" / "models"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
GUNICORN = ["-m", "gunicorn", "-c", "python:api.gunicorn_conf", "--workers", "1"]
STANDALONE = [*GUNICORN, "standalone:from_env()"]
TAIL = 4000  # characters of a log that a failure shows
OURS = {spec.metadata["variable"] for each in (Settings, ServerSettings) for spec in fields(each)}


@dataclass
class Running:
    """A service that was started; stop() and kill() may be called twice."""

    base_url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Gunicorn's arbiter; its workers are in the process group of the same number."""
        return self.process.pid

    def stop(self) -> None:
        """SIGTERM, as Ctrl-C and `docker stop` do; SIGKILL when that takes too long."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """SIGKILL for all of its processes at once: what a crash of the machine does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def wait_for(self, path: str) -> None:
        """Return when `path` answers 200; raise RuntimeError with the log when it never does."""
        deadline = time.monotonic() + START_SECONDS
        said = ""
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(self.base_url + path, timeout=10)
                if answer.status_code == 200:
                    return
                said = answer.text
            time.sleep(0.05)
        ended = self.process.poll()
        how = f"ended with {ended}" if ended is not None else f"never gave 200: {said}"
        raise RuntimeError(f"{self.base_url}{path} {how}\n{_tail(self.log)}")


@contextmanager
def standalone(
    folder: Path, *, until: str = "/readyz", program: Sequence[str] = STANDALONE, **env: str
) -> Iterator[Running]:
    """Migrate, install the models, start on a free port, wait until `until` answers 200; stop.

    `env` sets environment variables; no setting of ours is inherited from the caller's. Without
    models (see `model_mirror`) only `/healthz` can be waited for. Raises RuntimeError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    given = {"DATA_DIR": str(folder), "PORT": str(port), "MODEL_MIRROR": model_mirror()} | env
    environ = {key: value for key, value in os.environ.items() if key not in OURS} | given
    log = folder / "standalone.log"
    run_python(["-m", "migrations"], environ, log)
    if environ["MODEL_MIRROR"]:
        run_python(["-m", "engine.models", "pull"], environ, log)
    process = start_python(program, environ, log)
    running = Running(f"http://127.0.0.1:{port}", log, process)
    try:
        running.wait_for(until)
        yield running
    finally:
        running.stop()


def model_mirror() -> str:
    """MODEL_MIRROR, else the folder of models beside the checkout, else an empty text."""
    return os.environ.get("MODEL_MIRROR") or (str(BESIDE) if BESIDE.is_dir() else "")


def start_python(
    arguments: Sequence[str], environ: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """Start Python with these arguments in the checkout, in a process group of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def run_python(arguments: list[str], environ: Mapping[str, str], log: Path) -> None:
    """Run Python with these arguments to its end. Raises RuntimeError with the log if it fails."""
    process = start_python(arguments, environ, log)
    try:
        code = process.wait(START_SECONDS)
    finally:
        process.kill()
    if code:
        raise RuntimeError(f"python {' '.join(arguments)} ended with {code}\n{_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-TAIL:]
