"""Back-up and restore as docs/operations.md has it: nothing that was accepted before is lost."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.faults.clients import base_picture, stamped
from tests.support.http.calls import post, until
from tests.support.servers.backends import missing
from tests.support.servers.private import (
    RunningServer,
    mariadb_program,
    start_mariadb,
    start_rabbitmq,
)
from tests.support.services.served import Stack, served

FINISHED, WAITING = 6, 4
PATIENCE = 60  # seconds
LOGIN = ("--host=127.0.0.1", "--user=afterimage", "--password=afterimage")


@pytest.fixture
def other_mariadb(tmp_path: Path) -> Iterator[RunningServer]:
    """The server that the back-up is restored to."""
    with start_mariadb(tmp_path / "restored") as server:
        yield server


@pytest.mark.services
def test_a_back_up_of_a_running_service_loses_nothing(
    own_mariadb: RunningServer,
    other_mariadb: RunningServer,
    broker_url: str,
    models: str,
    tmp_path: Path,
) -> None:
    if not (mariadb_program() or "").endswith("mariadbd") or not shutil.which("mariadb-dump"):
        missing("there is no mariadb-dump")
    objects, copy, dump = tmp_path / "objects", tmp_path / "copy", tmp_path / "dump.sql"
    before = tmp_path / "before"
    with served(
        before, own_mariadb.url, broker_url, f"file://{objects}", MODEL_DIR=models
    ) as stack:
        finished = [asked(stack, number, "?wait=30") for number in range(FINISHED)]
        assert stack.engine is not None
        stack.engine.stop()
        waiting = [asked(stack, FINISHED + number) for number in range(WAITING)]
        # In this order, while uploads are taken: bytes that a row speaks of are older than the row.
        save_rows(own_mariadb, dump)
        shutil.copytree(objects, copy)
        late = asked(stack, 99)
    own_mariadb.stop()
    restore_rows(other_mariadb, dump)
    with start_rabbitmq(tmp_path / "rabbitmq") as broker:  # a new one: its messages are not kept
        after = tmp_path / "after"
        url = other_mariadb.url
        with served(after, url, broker.url, f"file://{copy}", MODEL_DIR=models) as stack:
            for was in finished:
                assert result(stack, was) == was["result"]
            for was in waiting:
                until(partial(is_done, stack, was["id"]), PATIENCE, "what waited was lost")
            assert all(content(stack, was) for was in (*finished, *waiting))
            address = f"{stack.base_url}/v1/predictions/{late['id']}"
            assert requests.get(address, timeout=30).status_code == 404, "it came after the back-up"


def asked(stack: Stack, number: int, query: str = "") -> dict[str, Any]:
    """A prediction of a picture of its own."""
    files = {"file": ("a.jpg", stamped(base_picture(), f"back-up {number}".encode()))}
    address = f"{stack.base_url}/v1/predictions{query}"
    answer = post(address, data={"task": "classify"}, files=files)
    assert answer.status_code in (200, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def look(stack: Stack, id: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{stack.base_url}/v1/predictions/{id}", timeout=30).json()
    return found


def result(stack: Stack, was: dict[str, Any]) -> Any:
    return look(stack, was["id"])["result"]


def is_done(stack: Stack, id: str) -> bool:
    return bool(look(stack, id)["status"] == "succeeded")


def content(stack: Stack, was: dict[str, Any]) -> bytes:
    answer = requests.get(f"{stack.base_url}/v1/images/{was['image_id']}/content", timeout=30)
    assert answer.status_code == 200
    return answer.content


def save_rows(server: RunningServer, dump: Path) -> None:
    command = ["mariadb-dump", *LOGIN, f"--port={server.port}", "--single-transaction"]
    with dump.open("wb") as output:
        subprocess.run([*command, "afterimage"], stdout=output, check=True, timeout=PATIENCE)
    assert re.search(rb"INSERT INTO `predictions`", dump.read_bytes())


def restore_rows(server: RunningServer, dump: Path) -> None:
    command = ["mariadb", *LOGIN, f"--port={server.port}", "afterimage"]
    with dump.open("rb") as source:
        subprocess.run(command, stdin=source, check=True, timeout=PATIENCE)
