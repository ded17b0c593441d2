"""The index's memory, files and versions stay bounded while it is written to."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from common.database.ids import new_id
from common.services import Services, open_services
from common.settings import Settings
from engine.index import maintenance
from engine.index.indexer import Indexer
from engine.index.maintenance import KEPT
from engine.index.schedule import FEW, HOURLY, PERIOD, WRITES, Schedule
from engine.index.store import Index
from engine.tasks.index import GATHER, IndexRunner
from tests.engine.index.test_index import document
from tests.support.rows.databases import migrate

pytestmark = pytest.mark.faults

IMAGES = 3_024
MOST_MEMORY = 35  # MiB more for 2,000 images; most of it is the caches, which are limited


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path)})
    migrate(settings.database_url, tmp_path)
    with open_services(settings) as services:
        yield services


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_writer_is_bounded(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.engine.index.indexing",
        f"file://{tmp_path}/i",
        str(IMAGES),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=True)
    before, after = map(int, done.stdout.split())
    assert after - before < MOST_MEMORY, f"{before} -> {after} MiB"


def test_tidying_succeeds_while_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every image is written again and again, as its results come in: its fragment changes."""
    monkeypatch.setattr(maintenance, "KEPT", 0.5)
    url = f"file://{tmp_path}/index"
    index, images = Index(url), [document("tabby") for _ in range(20)]
    index.write(images)
    with writing(url, images) as rounds:
        for _ in range(10):
            index.tidy()
    assert not rounds.errors
    assert rounds.done > 10, "there were too few writes to meet"
    Event().wait(0.6)
    index.tidy()
    assert index.count() == len(images)
    for table in index.holdings():
        assert table["fragments"] <= 2, table
        assert table["versions"] <= 5, table


class Rounds:
    """How many rounds another writer made, and what went wrong."""

    def __init__(self) -> None:
        self.done = 0
        self.errors: list[Exception] = []


@contextmanager
def writing(url: str, images: list[Any]) -> Iterator[Rounds]:
    rounds, stop = Rounds(), Event()

    def write() -> None:
        index = Index(url)
        while not stop.is_set():
            try:
                index.write([replace(each, read_at=2 + rounds.done) for each in images])
                rounds.done += 1
            except Exception as error:
                rounds.errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield rounds
    finally:
        stop.set()
        thread.join()


def test_an_idle_index_is_tidied_once_and_left_alone() -> None:
    clock = Clock()
    schedule = Schedule(clock)
    assert not schedule.is_due(), "not at once"
    clock.now += max(PERIOD, KEPT)
    assert schedule.is_due(), "an earlier process may have left much"
    schedule.note_tidied()
    clock.now += 2 * HOURLY
    assert not schedule.is_due()


def test_an_index_under_steady_writes_is_tidied_by_their_number() -> None:
    clock = Clock()
    schedule = Schedule(clock)
    clock.now += PERIOD
    schedule.note_write()
    schedule.note_tidied()
    writes = 0
    while not schedule.is_due():
        clock.now += 1
        schedule.note_write()
        writes += 1
    assert writes + FEW == WRITES


def test_versions_that_were_too_young_are_removed_by_a_last_turn() -> None:
    clock = Clock()
    schedule = Schedule(clock)
    clock.now += PERIOD
    for _ in range(WRITES):
        schedule.note_write()
    assert schedule.is_due()
    schedule.note_tidied()
    clock.now += KEPT
    assert schedule.is_due()
    schedule.note_tidied()
    clock.now += KEPT
    assert not schedule.is_due()


def test_the_writer_tidies_between_its_batches(services: Services) -> None:
    clock = Clock()
    indexer = Indexer(services, Schedule(clock))
    work = IndexRunner(indexer, Event())
    work.run([new_id()], [{}])
    work.upkeep()
    clock.now += KEPT + PERIOD
    assert indexer.tidy_when_due()
    assert not indexer.tidy_when_due(), "done"
    other = Indexer(services, Schedule(clock))
    clock.now += KEPT + PERIOD
    assert not other.tidy_when_due(), "another engine has just done it"


def test_small_batches_are_gathered(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Event()
    waits: list[float] = []
    monkeypatch.setattr(stop, "wait", waits.append)
    work = IndexRunner(Indexer(services), stop)
    work.run([new_id()], [{}])
    work.upkeep()
    assert len(waits) == 1
    assert 0 < waits[0] <= GATHER
