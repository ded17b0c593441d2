"""Whole batches for a model that gains from them; the others are run as soon as anything is."""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from common.announcer import Announcer
from common.database.ids import new_id
from common.predictions import Job, Success
from common.services import Services, open_services
from common.settings import Settings
from common.storage import object_key
from engine.batching import Inbox
from engine.decoding.decoder import open_decoder
from engine.runner_cache import RunnerCache
from engine.worker import LaneContext, Worker
from tests.support.rows.databases import migrate

COUNT = 5
LIMIT = 30  # seconds that an item may wait for the one before


class Counting:
    """A work that notes how many items come at once."""

    def __init__(self, batches: bool):
        self.model = {"name": "m", "version": "1", "sha256": "00"}
        self.batches = batches
        self.sizes: list[int] = []
        self.has_run = threading.Event()

    def prepare(self, data: bytes, params: dict[str, Any]) -> bytes:
        """All but the first are ready only after a run, where runs do not wait for them."""
        if not self.batches and data != b"0":
            assert self.has_run.wait(LIMIT)
        return data

    def run(
        self, prepared: Sequence[bytes], params: Sequence[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        self.sizes.append(len(prepared))
        self.has_run.set()
        return [{"said": data.decode()} for data in prepared]


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path), "LOG_LEVEL": "error"})
    migrate(settings.database_url, tmp_path)
    with open_services(settings) as opened:
        yield opened


def attempt(services: Services, work: Counting) -> list[Any]:
    """What the worker makes of COUNT jobs."""
    jobs = []
    for number in range(COUNT):
        data = str(number).encode()
        sha256 = hashlib.sha256(data).digest()
        services.storage.put(object_key(sha256), data)
        jobs.append(Job(new_id(), 1, 0, "classify", {}, sha256, datetime.now(UTC)))
    runners = RunnerCache(lambda _: work, lambda: None)
    announcer = Announcer(services.broker, services.sessions)
    consumer = services.broker.consumer(["afterimage.test"], COUNT)
    inbox = Inbox(consumer, COUNT, services.metrics.junk["classify"])
    with ThreadPoolExecutor(2) as threads, closing(announcer):
        stop, alone = threading.Event(), threading.Lock()
        decoder = open_decoder(services.settings)
        lane = LaneContext(services, announcer, new_id(), inbox, decoder, threads, stop, alone)
        return list(Worker(lane, runners)._attempt(jobs))


@pytest.mark.parametrize("batches", [True, False])
def test_a_batch_is_whole_where_the_model_wants_that(batches: bool, services: Services) -> None:
    work = Counting(batches)
    outcomes = attempt(services, work)
    assert all(isinstance(each, Success) for each in outcomes)
    assert [each.result["said"] for each in outcomes] == list("01234")
    assert sum(work.sizes) == COUNT
    assert (work.sizes == [COUNT]) if batches else (work.sizes[0] == 1)
