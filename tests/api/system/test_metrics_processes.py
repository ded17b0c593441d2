"""Several API processes behind one address tell for one another; an engine tells on its port."""

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests

from tests.house.generated_tables import all_metrics
from tests.support.http.calls import post, until
from tests.support.http.scraping import Scrape, scrape
from tests.support.images.pictures import encode, picture
from tests.support.servers.private import free_ports
from tests.support.services.idle_api import only_api
from tests.support.services.processes import Running
from tests.support.services.served import Stack, emptied, served

pytestmark = pytest.mark.slow

PHOTO = encode(picture(), "JPEG")
COUNT = 40
SOON = 30  # seconds


def folder_of(service: Running) -> Path:
    """The folder in shared memory in which the processes of a service count."""
    maps = [each for pid in workers(service) for each in psutil.Process(pid).memory_maps()]
    files = [Path(each.path) for each in maps if each.path.endswith(".db")]
    [folder] = {file.parent for file in files if file.parent.name.startswith("afterimage-metrics-")}
    return folder


def workers(service: Running) -> set[int]:
    return {child.pid for child in psutil.Process(service.pid).children()}


def test_whichever_process_answers_tells_for_all(tmp_path: Path) -> None:
    with only_api(tmp_path, WEB_PROCESSES="2") as api:
        folder = folder_of(api)
        url = api.base_url
        # A process that is still starting leaves all requests to the other.
        until(lambda: _both_have_counted(url, folder), SOON, "only one process has counted")
        start = scrape(url).value("http_requests_total", route="/v1/tasks")
        for _ in range(COUNT):
            requests.get(f"{url}/v1/tasks", timeout=10, headers={"Connection": "close"})
        told = {scrape(url).value("http_requests_total", route="/v1/tasks") for _ in range(10)}
        assert told == {start + COUNT}
        _kill_one(api)
        assert scrape(url).value("http_requests_total", route="/v1/tasks") == start + COUNT
        live = {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}
        assert live <= {str(pid) for pid in workers(api)}
        api.stop()
        assert not folder.exists()


def _both_have_counted(url: str, folder: Path) -> bool:
    """Ask often enough at once that both processes get some of it; whether they have."""
    with ThreadPoolExecutor(COUNT) as threads:
        list(threads.map(lambda _: requests.get(f"{url}/v1/tasks", timeout=30), range(COUNT)))
    return len(list(folder.glob("counter_*.db"))) == 2


def _kill_one(api: Running) -> None:
    """Kill a worker and wait for the one that comes in its place."""
    killed = min(workers(api))
    os.kill(killed, signal.SIGKILL)

    def has_been_replaced() -> bool:
        now = workers(api)
        return len(now) == 2 and killed not in now

    until(has_been_replaced, SOON, "no new worker")
    api.wait_for("/healthz")


def test_several_processes_explain_their_metrics_too(tmp_path: Path) -> None:
    with only_api(tmp_path, WEB_PROCESSES="2") as api:
        requests.get(f"{api.base_url}/v1/tasks", timeout=10)
        text = requests.get(f"{api.base_url}/metrics", timeout=10).text
    for name in ("afterimage_http_requests_total", "afterimage_http_request_seconds"):
        [spec] = [spec for spec in all_metrics() if spec.name == name]
        assert f"# HELP {name} {spec.help}\n# TYPE {name} {spec.kind}\n" in text


def test_an_engine_tells_on_a_port_of_its_own(
    database_url: str, broker_url: str, models: str, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    emptied(database_url, tmp_path)
    storage = f"file://{tmp_path}/objects"
    settings = {"MODEL_DIR": models, "METRICS_PORT": str(port)}
    with served(tmp_path, database_url, broker_url, storage, engine=True, **settings) as stack:
        _predict(stack)
        engine = f"http://127.0.0.1:{port}"
        until(lambda: scrape(engine).value("predictions_succeeded_total"), SOON, "not counted")
        api, told = scrape(stack.base_url), scrape(engine)
    assert api.value("http_requests_total", route="/v1/predictions") == 1
    assert not api.has("predictions_succeeded_total")
    assert told.value("model_seconds_count", task="classify") == 1
    assert told.value("http_requests_total") == 0
    _names_what_alarms_need(told)


def _predict(stack: Stack) -> None:
    address = f"{stack.base_url}/v1/predictions?wait=30&fresh=true"
    asked = post(address, data={"task": "classify"}, files={"file": ("a.jpg", PHOTO)})
    assert asked.json()["status"] == "succeeded"


def _names_what_alarms_need(told: Scrape) -> None:
    """An increase is seen only from a value that was there."""
    for task in ("classify", "outline", "caption", "embed", "thumbnail"):
        assert told.has("predictions_failed_total", task=task, code="poison")
        assert told.has("junk_messages_total", task=task)
    for outcome in ("delivered", "failed", "gone"):
        assert told.has("webhook_attempts_total", outcome=outcome)


def test_a_port_that_is_taken_is_said_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environ = os.environ | {"DATA_DIR": str(tmp_path), "METRICS_PORT": port}
        done = subprocess.run(
            [sys.executable, "-m", "engine"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"METRICS_PORT=127.0.0.1:{port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
