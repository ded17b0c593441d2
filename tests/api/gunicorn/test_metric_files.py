"""The files in which several API processes count: bounded, and never worth a process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import requests

from common.observability.metrics import open_metrics
from common.observability.metrics.exporter import expose
from tests.api.system.test_metrics_processes import folder_of, workers
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import get, until
from tests.support.http.scraping import scrape
from tests.support.rows.databases import migrate
from tests.support.servers.private import free_ports
from tests.support.services.idle_api import only_api
from tests.support.services.processes import OURS, Running

# A service that starts removes the folders of killed ones, so no other test may start one.
pytestmark = pytest.mark.alone

KILLS = 6
SOON = 30  # seconds


def is_replaced(api: Running, old: set[int]) -> bool:
    """Whether a new process has come for one of the old ones."""
    now = workers(api)
    return len(now) == 2 and len(now - old) == 1


def counted(url: str) -> float:
    return scrape(url).value("http_requests_total", route="/v1/tasks")


def test_the_files_of_dead_processes_become_one_and_no_count_falls(tmp_path: Path) -> None:
    with only_api(tmp_path, WEB_PROCESSES="2") as api:
        folder = folder_of(api)
        url, total = api.base_url, 0.0
        for _ in range(KILLS):
            for _ in range(6):
                requests.get(f"{url}/v1/tasks", timeout=10, headers={"Connection": "close"})
            assert counted(url) >= total + 6
            total = counted(url)
            old = workers(api)
            os.kill(min(old), signal.SIGKILL)
            until(partial(is_replaced, api, old), SOON, "two processes")
            api.wait_for("/healthz")
            assert counted(url) == total
        pids = {path.stem.rpartition("_")[2] for path in folder.glob("*.db")}
        assert pids <= {"0", *(str(pid) for pid in workers(api))}
        assert scrape(url).value("http_request_seconds_count", route="/v1/tasks") == total
    assert not folder.exists()


def test_a_folder_left_by_a_killed_service_is_removed_by_the_next(tmp_path: Path) -> None:
    with only_api(tmp_path, WEB_PROCESSES="2") as first:
        left = folder_of(first)
        first.kill()
    assert left.exists()
    with only_api(tmp_path, WEB_PROCESSES="2") as second:
        assert not left.exists()
        with only_api(tmp_path / "other", WEB_PROCESSES="2") as other:
            living = {folder_of(second), folder_of(other)}
            assert len(living) == 2
            assert all(folder.exists() for folder in living), "those of living services stay"


SHARED_MEMORY = {
    "full": "mount -t tmpfs -o size=128k tmpfs /dev/shm; cat /dev/zero > /dev/shm/rest",
    "not writable": "mount -t tmpfs -o ro tmpfs /dev/shm",
    "small": "mount -t tmpfs -o size=300k tmpfs /dev/shm",
}


@contextmanager
def with_shared_memory(how: str, folder: Path) -> Iterator[Running]:
    """Two API processes in a mount namespace of their own."""
    [port] = free_ports(1)
    migrate(f"sqlite:///{folder}/afterimage.db", folder)
    given = {"DATA_DIR": str(folder), "PORT": str(port), "WEB_PROCESSES": "2"}
    environ = {key: value for key, value in os.environ.items() if key not in OURS} | given
    serve = f"exec {sys.executable} -m gunicorn -c python:api.gunicorn_conf 'api.app:from_env()'"
    command = ["unshare", "--mount", "sh", "-c", f"{SHARED_MEMORY[how]} 2>/dev/null; {serve}"]
    log = folder / "api.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environ,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    running = Running(f"http://127.0.0.1:{port}", log, process)
    try:
        running.wait_for("/healthz")
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("how", SHARED_MEMORY)
def test_shared_memory_that_takes_no_files_costs_no_process(how: str, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        pytest.skip("mount namespaces cannot be made here")
    with with_shared_memory(how, tmp_path) as api:
        url, old = api.base_url, workers(api)
        for number in range(40):
            assert get(f"{url}/v1/tasks").status_code == 200
            assert requests.get(f"{url}/{number}", timeout=10).status_code == 404
        assert get(f"{url}/metrics").status_code == 200
        assert workers(api) == old, api.log.read_text()[-2000:]


def test_a_scrape_after_the_folder_is_gone_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "gone"))
    assert expose(open_metrics()) == b""
