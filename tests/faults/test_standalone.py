"""Standalone's two processes killed, frozen, reloaded and stopped, each in the middle of work."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from tests.faults.clients import Clients
from tests.faults.crashing import POISON
from tests.faults.ledger import check
from tests.faults.measures import seconds_to_end
from tests.faults.stack import FaultStack
from tests.faults.test_poison import as_poison
from tests.support.http.calls import get, until
from tests.support.http.scraping import scrape
from tests.support.rows.databases import opened
from tests.support.services.processes import Running, standalone

PROGRAM = ["-m", "tests.faults.crashing", "none", "standalone"]
UPLOADS = 60
KILLS = 3
SOON = 60  # seconds
EXIT_SECONDS = 25.0


@contextmanager
def running(folder: Path, models: str) -> Iterator[FaultStack]:
    """A standalone that is slow enough to be hit in the middle of something."""
    settings = {"MODEL_MIRROR": "", "MODEL_DIR": models, "SLOW_WORK": "0.05"}
    with (
        standalone(folder, program=PROGRAM, **settings) as service,
        opened(f"sqlite:///{folder}/afterimage.db") as sessions,
    ):
        port = int(service.base_url.rpartition(":")[2])
        yield FaultStack(folder, {}, sessions, [port], apis=[service])


@pytest.fixture(scope="module")
def stack(models: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultStack]:
    with running(tmp_path_factory.mktemp("standalone"), models) as found:
        yield found


def worker_of(service: Running) -> psutil.Process:
    """The process that serves requests."""
    return until(lambda: psutil.Process(service.pid).children(), SOON, "no worker")[0]  # type: ignore[no-any-return]


def engine_of(service: Running) -> psutil.Process:
    """The process that predicts."""
    return until(lambda: worker_of(service).children(), SOON, "no engine")[0]  # type: ignore[no-any-return]


@contextmanager
def always_answering(url: str) -> Iterator[None]:
    """The API answers all the time."""
    failures: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            answer = requests.get(f"{url}/v1/tasks", timeout=10)
            failures.extend([answer.text] if answer.status_code != 200 else [])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        done.set()
        asking.join()
    assert not failures


def test_a_killed_engine_is_started_again_and_nothing_is_lost(stack: FaultStack) -> None:
    [service] = stack.apis
    before = scrape(service.base_url)
    ended = []
    with Clients(stack.urls, "engine") as clients, always_answering(service.base_url):
        for _ in range(KILLS):
            clients.send(UPLOADS // KILLS)
            time.sleep(0.5)
            ended.append(engine_of(service))
            ended[-1].kill()
            until(lambda: not ended[-1].is_running(), SOON, "the engine is still there")
    ledger = check(stack, clients.uploads, within=120)
    assert ledger.is_clean, ledger
    assert ledger.accepted == ledger.attempted == UPLOADS
    assert not [upload.broken for upload in clients.uploads if upload.broken]
    assert len({each.pid for each in ended}) == KILLS
    counted = scrape(service.base_url).value("predictions_succeeded_total", task="classify")
    done = counted - before.value("predictions_succeeded_total", task="classify")
    assert UPLOADS - KILLS * 64 <= done <= UPLOADS, "what a killed engine has counted is kept"
    until(lambda: get(f"{service.base_url}/readyz").ok, SOON, "ready again")


@pytest.mark.parametrize("is_frozen", [False, True], ids=["running", "frozen"])
def test_the_engine_ends_with_a_killed_worker(stack: FaultStack, is_frozen: bool) -> None:
    [service] = stack.apis
    with Clients(stack.urls, f"worker-{is_frozen}") as clients:
        clients.send(UPLOADS)
        time.sleep(0.5)
        worker, engine = worker_of(service), engine_of(service)
        if is_frozen:
            engine.suspend()
        worker.kill()
        until(lambda: not engine.is_running(), 10, "the engine outlives its parent")
    ledger = check(stack, clients.uploads, within=120)
    assert ledger.is_clean, ledger
    assert worker_of(service).pid != worker.pid


def test_a_reload_loses_nothing(stack: FaultStack) -> None:
    [service] = stack.apis
    engine = engine_of(service)
    with Clients(stack.urls, "reload") as clients:
        clients.send(UPLOADS)
        time.sleep(0.5)
        os.kill(service.pid, signal.SIGHUP)
    until(lambda: not engine.is_running(), SOON, "the old engine is still there")
    ledger = check(stack, clients.uploads, within=120)
    assert ledger.is_clean, ledger
    assert {row["attempts"] for row in ledger.rows.values()} == {1}, "none was begun and left"


def test_poison_fails_alone(stack: FaultStack) -> None:
    [service] = stack.apis
    with Clients(stack.urls, "poison", count=1) as clients, always_answering(service.base_url):
        clients.send(15)
        clients.send(1, POISON)
        clients.send(15)
        ledger = check(stack, clients.join(), within=240, expected=as_poison)
    assert ledger.is_clean, ledger
    assert ledger.finished == 31


def test_ctrl_c_ends_both_in_order(tmp_path: Path, models: str) -> None:
    with running(tmp_path, models) as stack:
        [service] = stack.apis
        with Clients(stack.urls, "ctrl-c") as clients:
            clients.send(UPLOADS)
        engine = engine_of(service)
        os.killpg(service.pid, signal.SIGINT)  # as a terminal does
        service.process.wait(EXIT_SECONDS)
        assert not engine.is_running()
        assert service.process.returncode == 0
        said = service.log.read_text()
        assert "engine stopped" in said
        assert "Traceback" not in said
    with running(tmp_path, models) as stack:
        ledger = check(stack, clients.uploads)
    assert ledger.is_clean, ledger
    assert {row["attempts"] for row in ledger.rows.values()} == {1}, "none was begun and left"


def test_an_engine_that_cannot_start_is_reported_while_the_api_serves(
    tmp_path: Path, models: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "numpy.py").write_text("raise ImportError('broken')")
    settings = {"MODEL_MIRROR": "", "MODEL_DIR": models, "PYTHONPATH": str(broken)}
    with standalone(tmp_path / "data", until="/healthz", **settings) as service:
        url = service.base_url
        until(lambda: service.log.read_text().count("the engine ended") >= 2, SOON, "retried")
        ready = get(f"{url}/readyz")
        assert ready.status_code == 503
        assert "no engine" in ready.json()["checks"]["task classify"]
        assert get(f"{url}/readyz?for=uploads").ok
        assert seconds_to_end(service) < EXIT_SECONDS
