"""The API alone, on embedded services: nothing that it accepts is ever worked on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.rows.databases import migrate
from tests.support.servers.private import free_ports
from tests.support.services.processes import OURS, Running, start_python


@contextmanager
def only_api(folder: Path, **env: str) -> Iterator[Running]:
    """Migrate and start; WEB_PROCESSES says how many share the address."""
    [port] = free_ports(1)
    database = f"sqlite:///{folder}/afterimage.db"
    folder.mkdir(exist_ok=True)
    migrate(database, folder)
    inherited = {key: value for key, value in os.environ.items() if key not in OURS}
    environ = inherited | {"DATA_DIR": str(folder), "PORT": str(port)} | env
    command = ["-m", "gunicorn", "-c", "python:api.gunicorn_conf", "api.app:from_env()"]
    log = folder / "api.log"
    running = Running(f"http://127.0.0.1:{port}", log, start_python(command, environ, log))
    try:
        running.wait_for("/healthz")
        yield running
    finally:
        running.stop()
