"""The engine of the search killed in the middle of indexing: everything is found in the end."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select

from common.database.session import Sessions, read
from common.tables import Prediction, State
from tests.faults.clients import base_picture, stamped
from tests.support.http.calls import until
from tests.support.rows.databases import opened
from tests.support.services.served import Stack, emptied, served

COUNT = 30
KILLS = 3
PATIENCE = 120  # seconds
SOON = 20


@pytest.fixture
def service(database_url: str, broker_url: str, models: str, tmp_path: Path) -> Iterator[Stack]:
    emptied(database_url, tmp_path)
    storage, index = f"file://{tmp_path}/objects", f"file://{tmp_path}/index"
    with served(
        tmp_path, database_url, broker_url, storage, MODEL_DIR=models, INDEX_URL=index
    ) as stack:
        yield stack


@pytest.mark.services
def test_a_killed_engine_loses_nothing_of_the_index(service: Stack) -> None:
    with opened(service.environ["DATABASE_URL"]) as sessions:
        hits = 0
        for number in range(COUNT):
            upload(service, number)
            if number % (COUNT // KILLS) == COUNT // KILLS - 1:
                hits += is_being_indexed(sessions)
                kill_engine(service)
                service.start_engine()
    assert hits, "no kill came while something was being indexed"
    until(lambda: len(found(service)) == COUNT, PATIENCE, "some images are not found")


def upload(service: Stack, number: int) -> None:
    """A public image, which has its labels, its vector and its entry in the index made by itself;
    its file's name is what it is looked for by.
    """
    data = stamped(base_picture(number), f"kill {number}".encode())
    answer = requests.post(
        f"{service.base_url}/v1/images",
        files={"file": (f"zebroid {number}.jpg", data)},
        data={"visibility": "public"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text


def is_being_indexed(sessions: Sessions) -> bool:
    """Whether an entry of the index is being made, waiting until one is."""
    row = select(Prediction.id).where(
        Prediction.task == "index", Prediction.state == State.PROCESSING
    )
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        if read(sessions, lambda session: session.scalar(row.limit(1))):
            return True
        time.sleep(0.002)
    return False


def kill_engine(service: Stack) -> None:
    assert service.engine is not None
    os.killpg(service.engine.pid, signal.SIGKILL)
    service.engine.process.wait(30)


def found(service: Stack) -> set[str]:
    answer = requests.get(f"{service.base_url}/v1/search?query=zebroid&limit=100", timeout=60)
    said: dict[str, Any] = answer.json()
    return {item["image"]["id"] for item in said.get("items", ())}
