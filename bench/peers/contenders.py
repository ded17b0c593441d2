"""What is compared: this service in its two forms, and the peers; how each of them is started."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.bare_limit import network_path
from bench.processes import HOUSE, program
from bench.stack import Stack, running_stack, running_standalone
from engine.models.labels import load_imagenet
from tests.support.servers.private import RunningServer, find_program, free_ports

BIN = Path(sys.prefix) / "peers" / "bin"
PYTHON = BIN / "python"
WORKERS = "2"


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to get labels for photographs over HTTP.

    `start` takes a folder for the contender's data and the folder of the models. `programs` are
    those that the peers' virtual environment does not hold.
    """

    name: str
    keeps: str  # whether a job survives the end of a process
    protocol: str
    start: Callable[[Path, Path], AbstractContextManager[Stack]]
    programs: Sequence[str] = ()

    def missing(self) -> str:
        """The program that is not installed here; empty when all are."""
        return next((name for name in self.programs if not find_program(name)), "")


def contenders() -> tuple[Contender, ...]:
    """This service, and then its peers."""
    peers = str(PYTHON)
    return (
        Contender("this service, served", "yes", "product", partial(running_stack, engines=1)),
        Contender("this service, standalone", "yes", "product", running_standalone),
        Contender("FastAPI, 2 workers", "no", "raw", partial(_peer, commands=FASTAPI), [peers]),
        Contender("BentoML, 2 workers", "no", "raw", partial(_peer, commands=BENTOML), [peers]),
        Contender("LitServe, 2 workers", "no", "form", partial(_peer, commands=LITSERVE), [peers]),
        Contender("Celery + Redis + FastAPI", "partly", "task", _celery, [peers, "redis-server"]),
    )


UVICORN = [str(BIN / "uvicorn"), "--host=127.0.0.1", "--port={port}", "--no-access-log"]
FASTAPI = {"service": [*UVICORN, f"--workers={WORKERS}", "bench.peers.fastapi_service:app"]}
BENTOML = {
    "service": [
        *[str(BIN / "bentoml"), "serve", "--host=127.0.0.1", "--port={port}"],
        "bench.peers.bentoml_service:ImageClassifier",
    ]
}
LITSERVE = {"service": [str(PYTHON), "-m", "bench.peers.litserve_service"]}
CELERY_APP = [str(BIN / "celery"), "--app=bench.peers.celery_service:celery"]
CELERY = {
    "worker": [*CELERY_APP, "worker", f"--concurrency={WORKERS}", "--loglevel=warning"],
    "API": [*UVICORN, "bench.peers.celery_service:api"],
}


@contextmanager
def _peer(
    folder: Path,
    model_dir: Path,
    *,
    commands: Mapping[str, Sequence[str]],
    env: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start the commands; `{port}` in them is the port of the service. It may not be ready yet."""
    [port] = free_ports(1)
    environment = _environment(folder, model_dir, port) | dict(env or {})
    with ExitStack() as stack:
        parts = {}
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("ab"))
            filled = [part.format(port=port) for part in command]
            parts[name] = stack.enter_context(program(filled, environment, log)).pid
        yield Stack(port, parts, {})


@contextmanager
def _celery(folder: Path, model_dir: Path) -> Iterator[Stack]:
    with _redis(folder / "redis") as redis:
        env = {"REDIS_URL": redis.url}
        with _peer(folder, model_dir, commands=CELERY, env=env) as peer:
            assert redis.pid is not None
            yield Stack(peer.port, {**peer.parts, "Redis": redis.pid}, {})


def _redis(folder: Path) -> RunningServer:
    """Redis with its defaults, which are snapshots and no append-only file, in a folder."""
    folder.mkdir()
    [port] = free_ports(1)
    command = [
        *[find_program("redis-server") or "redis-server", "--bind", "127.0.0.1"],
        *["--port", str(port), "--dir", str(folder)],
    ]
    url = f"redis://127.0.0.1:{port}/0"
    return RunningServer(url, port, folder, command, os.environ, ["true"], b"PING\r\n")


def _environment(folder: Path, model_dir: Path, port: int) -> dict[str, str]:
    """This process's environment, with what the peers read and no reports to their makers."""
    names = folder / "class_names.txt"
    names.write_text("\n".join(label.name for label in load_imagenet()) + "\n")
    return os.environ | {
        "PYTHONPATH": str(HOUSE),
        "PORT": str(port),
        "NETWORK": str(network_path(model_dir)),
        "CLASS_NAMES": str(names),
        "BENTOML_HOME": str(folder / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "TMPDIR": str(folder),
    }
