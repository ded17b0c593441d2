"""A real Prometheus scrapes the real service, and every query of the dashboard has an answer."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.house.sources import ROOT
from tests.support.servers.prometheus import ask, prometheus
from tests.support.services.processes import Running, standalone

pytestmark = pytest.mark.slow

CHECK = ROOT / "docker" / "grafana" / "check.py"
PATIENCE = "60"  # seconds


@pytest.fixture(scope="module")
def service(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("watched")
    with standalone(folder, MODEL_MIRROR="", MODEL_DIR=models) as running:
        yield running


@contextmanager
def some_load(url: str, photograph: bytes) -> Iterator[None]:
    """Requests of every kind, again and again."""
    stop = threading.Event()

    def work() -> None:
        with requests.Session() as session:
            while not stop.wait(0.2):
                for task in ("classify", "embed", "outline", "caption"):
                    asked = {"data": {"task": task}, "files": {"file": ("a.jpg", photograph)}}
                    address = f"{url}/v1/predictions?fresh=true&wait=30"
                    session.post(address, timeout=60, **asked)  # type: ignore[arg-type]

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def check(prometheus_url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECK), prometheus_url, "--wait", PATIENCE]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_every_query_of_the_dashboard_has_an_answer(
    service: Running, cat: bytes, tmp_path: Path
) -> None:
    target = service.base_url.removeprefix("http://")
    with (
        some_load(service.base_url, cat),
        prometheus(tmp_path, {"afterimage": target}) as url,
    ):
        done = check(url)
        assert done.returncode == 0, done.stdout + done.stderr
        rules = ask(url, "rules")["groups"][0]["rules"]
        assert {rule["health"] for rule in rules} == {"ok"}
        assert [rule["name"] for rule in rules if rule["state"] == "firing"] == []


def test_a_query_without_an_answer_is_found(tmp_path: Path) -> None:
    with prometheus(tmp_path, {}) as url:
        command = [sys.executable, str(CHECK), url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Latency: no data" in done.stdout
