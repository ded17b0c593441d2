"""The served stack, each part of which can be killed, stopped, frozen and started again.

Two API processes on two ports, so that a client has somewhere to go, and engines; the servers are
private ones of the tests.
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psutil
from sqlalchemy import select

from common.database.session import Sessions, read
from common.tables import EngineProcess
from tests.support.rows.databases import empty, migrate, opened
from tests.support.servers.private import RunningServer, free_ports
from tests.support.services.processes import OURS, Running, start_python

STOP_SECONDS = 40.0
READY_SECONDS = 30.0
API = ["-m", "gunicorn", "-c", "python:api.gunicorn_conf", "--workers", "1", "api.app:from_env()"]
NOT_INHERITED = {"CRASH_AT", "CRASH_FIRED", "CRASH_HOW", "SLOW_WORK"}


@dataclass(frozen=True)
class Servers:
    """The database and the broker of the tests of faults."""

    database: RunningServer
    broker: RunningServer


@dataclass
class FaultStack:
    """The processes of ours; an entry of a list is replaced when it is started again."""

    folder: Path
    environ: dict[str, str]
    sessions: Sessions
    ports: list[int]
    apis: list[Running] = field(default_factory=list)
    engines: list[Running] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)  # sha256 of what was uploaded and checked

    @property
    def urls(self) -> list[str]:
        """Where the APIs answer, or did."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start_api(self, number: int, crash: str = "", **env: str) -> Running:
        """Start (again) the API of this number and wait until it answers."""
        environ = self.environ | {"PORT": str(self.ports[number])} | env
        command = ["-m", "tests.faults.crashing", crash, "api"] if crash else API
        log = self.folder / f"api-{number}.log"
        running = Running(self.urls[number], log, start_python(command, environ, log))
        self.apis[number : number + 1] = [running]
        running.wait_for("/healthz")
        return running

    def start_engine(self, number: int = 0, crash: str = "none", **env: str) -> Running:
        """Start (again) the engine of this number; returns at once."""
        command = ["-m", "tests.faults.crashing", crash, "engine", "--tasks", "classify"]
        log = self.folder / f"engine-{number}.log"
        running = Running(self.urls[0], log, start_python(command, self.environ | env, log))
        self.engines[number : number + 1] = [running]
        return running

    def stop_engines(self) -> None:
        """SIGTERM to all of them, and wait."""
        for engine in self.engines:
            engine.stop()

    def ensure_engines(self) -> None:
        """All engines run, whatever became of those before."""
        for number, engine in enumerate(self.engines):
            if engine.process.poll() is not None:
                self.start_engine(number)

    def kill_worker_of(self, number: int) -> bool:
        """SIGKILL the API's worker; its arbiter, which lives on, starts another. False when there
        is none just now.
        """
        workers = psutil.Process(self.apis[number].pid).children()
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        return bool(workers)

    def stop(self) -> None:
        """SIGTERM to whatever runs, engines first; SIGKILL to what does not end."""
        for running in [*self.engines, *self.apis]:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGCONT)
            running.stop()


@contextmanager
def fault_stack(
    folder: Path,
    database: RunningServer,
    settings: Mapping[str, str],
    *,
    engines: int = 1,
    apis: int = 2,
) -> Iterator[FaultStack]:
    """Start on an emptied database and wait until predictions can be made; stop at the end.

    `settings` name at least BROKER_URL, STORAGE_URL and MODEL_DIR, and DATABASE_URL where the
    programs reach the database by another way than the tests. Raises RuntimeError when something
    does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if key not in OURS | NOT_INHERITED}
    given = {"DATA_DIR": str(folder), "DATABASE_URL": database.url, "JWT_SECRET": "x" * 32}
    migrate(database.url, folder)
    with opened(database.url) as sessions:
        empty(sessions)
        environ = kept | given | dict(settings)
        stack = FaultStack(folder, environ, sessions, free_ports(apis))
        try:
            for number in range(engines):
                stack.start_engine(number)
            for number in range(apis):
                stack.start_api(number)
            for engine in stack.engines:
                wait_until_it_works(sessions, engine.pid)
            yield stack
        finally:
            stack.stop()


def wait_until_it_works(sessions: Sessions, pid: int) -> UUID:
    """The id of the engine with this process id, once it has a model."""
    deadline = time.monotonic() + READY_SECONDS
    ends = EngineProcess.name.endswith(f":{pid}", autoescape=True)
    query = select(EngineProcess.id, EngineProcess.report).where(ends)
    query = query.order_by(EngineProcess.started_at.desc())
    while time.monotonic() < deadline:
        row = read(sessions, lambda session: session.execute(query).first())
        if row is not None and row.report["classify"]["ready"]:
            found: UUID = row.id
            return found
        time.sleep(0.05)
    raise RuntimeError(f"the engine {pid} did not become ready")
