"""The two forms of the service on loopback, each with private servers and folders.

Served: MariaDB, RabbitMQ, one API, and engines. Standalone: what `make run` starts.
"""

import os
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import HOUSE, BenchFailed, program
from tests.support.servers.private import RunningServer, free_ports, start_mariadb, start_rabbitmq

START_SECONDS = 60.0
GUNICORN = [str(Path(sys.executable).with_name("gunicorn")), "-c", "python:api.gunicorn_conf"]
API = [*GUNICORN, "api.app:from_env()"]
ENGINE = [sys.executable, "-m", "engine", "--tasks"]
STANDALONE = [*GUNICORN, "--workers", "1", "standalone:from_env()"]
# Without them, standalone uses SQLite, a folder and an in-memory queue.
ADDRESSES = ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "INDEX_URL")


@dataclass(frozen=True, slots=True)
class Stack:
    """The running stack: where the API listens, and the first process of every part."""

    port: int
    parts: Mapping[str, int]  # name -> process id
    versions: Mapping[str, str]  # of the server programs
    database_url: str = ""


@contextmanager
def running_stack(
    folder: Path,
    model_dir: Path,
    engines: int,
    tasks: str = "classify",
    beside: str = "",
    database_options: Sequence[str] = (),
) -> Iterator[Stack]:
    """Start everything and wait until predictions can be made; at the end nothing is left.

    The tasks `beside` have an engine of their own; `database_options` are added to the command line
    of the database server.

    The settings of this process's environment hold, but for the addresses and folders. Raises
    BenchFailed with the last words of the part that did not start.
    """
    with ExitStack() as stack:
        server = start_mariadb(folder / "mariadb", more_options=database_options)
        database = _server(stack, server)
        broker = _server(stack, start_rabbitmq(folder / "rabbitmq"))
        [port] = free_ports(1)
        env = _environment(folder, model_dir, port) | {
            "DATABASE_URL": database.url,
            "BROKER_URL": broker.url,
            "STORAGE_URL": f"file://{folder / 'objects'}",
            "JWT_SECRET": secrets.token_urlsafe(32),
        }
        run_module(env, "migrations")
        parts = {"database": _pid(database), "broker": _pid(broker)}
        commands = {"API": API} | {_name(n, engines): [*ENGINE, tasks] for n in range(engines)}
        if beside:
            commands[f"engine for {beside}"] = [*ENGINE, beside]
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("ab"))
            parts[name] = stack.enter_context(program(command, env, log)).pid
        _wait_until_ready(port, folder)
        yield Stack(port, parts, _versions(database, broker), database.url)


@contextmanager
def running_standalone(folder: Path, model_dir: Path) -> Iterator[Stack]:
    """Start standalone as `make run` does and wait until predictions can be made.

    API, engine, database and queue are one part: CPU time and memory are those of all its
    processes. Settings and errors are as for `running_stack`, but all addresses are the defaults.
    """
    [port] = free_ports(1)
    env = _environment(folder, model_dir, port)
    for name in ADDRESSES:
        env.pop(name, None)
        env.pop(f"{name}_FILE", None)
    run_module(env, "migrations")
    with (
        (folder / "standalone.log").open("ab") as log,
        program(STANDALONE, env, log) as process,
    ):
        _wait_until_ready(port, folder)
        yield Stack(port, {"standalone": process.pid}, {"SQLite": sqlite3.sqlite_version})


def _environment(folder: Path, model_dir: Path, port: int) -> dict[str, str]:
    """This process's environment with the addresses and folders of the stack."""
    return os.environ | {
        "DATA_DIR": str(folder / "data"),
        "MODEL_DIR": str(model_dir),
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }


def run_module(env: Mapping[str, str], *command: str) -> None:
    """`python -m …` to its end; raises BenchFailed with its output."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=HOUSE, env=env, capture_output=True, text=True, timeout=START_SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise BenchFailed(f"{' '.join(command)} failed:\n{(done.stderr + done.stdout)[-2000:]}")


def install_models(model_dir: Path) -> None:
    """Install the default models; a folder of models beside the checkout is used, as by `make`."""
    beside = HOUSE.parent / "shared" / "models"
    mirror = {"MODEL_MIRROR": str(beside)} if beside.is_dir() else {}
    given = {name: value for name, value in os.environ.items() if value}
    run_module(mirror | given | {"MODEL_DIR": str(model_dir)}, "engine.models", "pull")


def _server(stack: ExitStack, server: RunningServer) -> RunningServer:
    stack.callback(server.stop)
    return server


def _pid(server: RunningServer) -> int:
    if server.pid is None:
        raise BenchFailed(f"{server.command[0]} is not running")
    return server.pid


def _versions(database: RunningServer, broker: RunningServer) -> dict[str, str]:
    """As the servers say in their first words."""
    greetings = {
        "MariaDB": (database, rb"(?:5\.5\.5-)?(\d+\.\d+\.\d+)"),
        "RabbitMQ": (broker, rb"version.{5}(\d+\.\d+\.\d+)"),
    }
    versions = {}
    for name, (server, pattern) in greetings.items():
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(server.hello)
            found = re.search(pattern, connection.recv(4096), re.DOTALL)
        versions[name] = found[1].decode() if found else "?"
    return versions


def _name(number: int, engines: int) -> str:
    return "engine" if engines == 1 else f"engine {number + 1}"


def _wait_until_ready(port: int, folder: Path) -> None:
    said = ""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz?for=classify", timeout=10):
                return
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
        except OSError as error:
            said = str(error)
        time.sleep(0.1)
    logs = "\n".join(log.read_text(errors="replace")[-1500:] for log in folder.glob("*.log"))
    raise BenchFailed(f"/readyz did not become 200; the last response: {said}\n{logs}")
