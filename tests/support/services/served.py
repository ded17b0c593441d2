"""The served stack in processes of its own: an API under Gunicorn and an engine, on given servers.

It is what containers start: the same code as standalone, told apart by URLs alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.rows.databases import empty, migrate, opened
from tests.support.servers.backends import missing
from tests.support.servers.private import free_ports
from tests.support.servers.s3 import new_bucket, s3_storage_url
from tests.support.services.processes import OURS, Running, model_mirror, run_python, start_python

API = ["-m", "gunicorn", "-c", "python:api.gunicorn_conf", "--workers", "1", "api.app:from_env()"]


@dataclass
class Stack:
    """The API and the engine beside it; each can be ended and started again by itself."""

    folder: Path
    environ: dict[str, str]
    api: Running
    engine: Running | None = None

    @property
    def base_url(self) -> str:
        """Where the API answers."""
        return self.api.base_url

    def start_engine(self, *options: str) -> Running:
        """Start an engine, `python -m engine` with these options. The one started last is stopped
        with the rest; one that ran before must have ended, or be stopped by who started it.
        """
        log = self.folder / "engine.log"
        process = start_python(["-m", "engine", *options], self.environ, log)
        self.engine = Running(self.base_url, log, process)
        return self.engine

    def stop(self) -> None:
        """SIGTERM to whatever runs."""
        if self.engine is not None:
            self.engine.stop()
        self.api.stop()


@contextmanager
def served(
    folder: Path,
    database_url: str,
    broker_url: str,
    storage_url: str,
    *,
    engine: bool = True,
    **env: str,
) -> Iterator[Stack]:
    """Migrate, start API and engine, wait until predictions can be made; stop at the end.

    Without an engine only the API is started and waited for. `env` sets environment variables, for
    an engine MODEL_DIR among them; no setting of ours is inherited. Raises RuntimeError with the
    log when something does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    urls = {"DATABASE_URL": database_url, "BROKER_URL": broker_url, "STORAGE_URL": storage_url}
    given = {"DATA_DIR": str(folder), "PORT": str(port), "JWT_SECRET": "x" * 32}
    inherited = {key: value for key, value in os.environ.items() if key not in OURS}
    environ = inherited | urls | given | env
    migrate(database_url, folder)
    log = folder / "api.log"
    api = Running(f"http://127.0.0.1:{port}", log, start_python(API, environ, log))
    stack = Stack(folder, environ, api)
    try:
        if engine:
            stack.start_engine()
        api.wait_for("/readyz" if engine else "/healthz")
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A MODEL_DIR with the models in it, installed once for all services of the tests."""
    if not (mirror := model_mirror()):
        missing("there are no models: neither MODEL_MIRROR nor ../shared/models")
    folder = tmp_path_factory.mktemp("models")
    environ = {key: value for key, value in os.environ.items() if key not in OURS}
    environ |= {"MODEL_DIR": str(folder), "MODEL_MIRROR": mirror}
    run_python(["-m", "engine.models", "pull"], environ, folder.with_suffix(".log"))
    return str(folder)


@pytest.fixture(scope="module")
def stack(
    database_url: str,
    broker_url: str,
    s3_server: str,
    models: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """MariaDB or MySQL, RabbitMQ and S3 over HTTP, with one API process and one engine."""
    folder = tmp_path_factory.mktemp("served")
    emptied(database_url, folder)
    storage_url = s3_storage_url(s3_server, new_bucket(s3_server)) + "&timeout=10"
    with served(folder, database_url, broker_url, storage_url, MODEL_DIR=models) as found:
        yield found


def emptied(database_url: str, folder: Path) -> None:
    """Make the database a migrated one without rows: other tests have used it."""
    migrate(database_url, folder)
    with opened(database_url) as sessions:
        empty(sessions)
