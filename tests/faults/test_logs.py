"""The log cannot be written: requests are answered and predictions made as ever."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT
from tests.support.http.calls import finished, get, post, until
from tests.support.http.scraping import scrape
from tests.support.images.pictures import encode, picture
from tests.support.servers.private import free_ports
from tests.support.services.processes import OURS, STOP_SECONDS, Running

PHOTO = encode(picture(), "JPEG")
GUNICORN = ["-m", "gunicorn", "-c", "python:api.gunicorn_conf", "--workers", "1"]
COUNT = 400  # requests: their lines are more than a pipe holds
BATCHES = 3


@contextmanager
def logging_to(
    stderr: int, folder: Path, models: str, *, migrate: bool = True
) -> Iterator[Running]:
    """Standalone whose standard error is that descriptor."""
    [port] = free_ports(1)
    given = {"DATA_DIR": str(folder), "PORT": str(port), "MODEL_DIR": models}
    environ = {key: value for key, value in os.environ.items() if key not in OURS} | given
    if migrate:
        subprocess.run([sys.executable, "-m", "migrations"], cwd=CHECKOUT, env=environ, check=True)
    command = [sys.executable, *GUNICORN, "standalone:from_env()"]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environ, stderr=stderr, start_new_session=True
    )
    running = Running(f"http://127.0.0.1:{port}", Path(os.devnull), process)
    try:
        running.wait_for("/healthz")
        yield running
    finally:
        running.stop()


def check_serves(running: Running) -> None:
    """Each request is answered, each prediction made, and the loss is told."""
    url = running.base_url
    for _ in range(COUNT):
        assert get(f"{url}/v1/tasks?padding={'x' * 500}").status_code == 200
    for _ in range(BATCHES):
        answer = post(
            f"{url}/v1/predictions?fresh=true",
            data={"task": "classify"},
            files={"file": ("a.jpg", PHOTO)},
        )
        assert answer.status_code == 202
        row = finished(url, [id := answer.json()["id"]], seconds=30)[id]
        assert row["status"] == "succeeded"
    until(lambda: get(f"{url}/readyz").ok, 20, "ready")
    assert scrape(url).value("log_lines_lost_total") > 0


def check_stops(running: Running) -> None:
    running.process.terminate()
    assert running.process.wait(STOP_SECONDS) == 0


def test_a_full_disk_under_the_log(tmp_path: Path, models: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with logging_to(full, tmp_path, models) as running:
            check_serves(running)
            check_stops(running)
    finally:
        os.close(full)


@pytest.mark.parametrize("is_closed", [False, True], ids=["it does not read", "it is gone"])
def test_a_reader_of_the_log_that(is_closed: bool, tmp_path: Path, models: str) -> None:
    reader, writer = os.pipe()
    try:
        if is_closed:
            os.close(reader)
        with logging_to(writer, tmp_path, models) as running:
            check_serves(running)
            check_stops(running)
    finally:
        os.close(writer)
        if not is_closed:
            os.close(reader)
