"""`python -m bench.mixed`: all tasks at once, standalone and served; reports starved lanes.

Standalone, then served: MariaDB, RabbitMQ, S3 over HTTP, an API, and one engine for captions beside
one for the rest. The caption provider takes a second for each answer. Prints for each lane how many
answers came, how fast, and the longest time without one; 1 when one failed or starved.
"""

import argparse
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import requests

from bench.photographs import make_photographs, read_all, stamped
from bench.processes import HOUSE, BenchFailed
from bench.report import percentile
from bench.stack import run_module
from tests.support.servers.openai import CAPTION, KEY, Handler, completion, providing
from tests.support.servers.private import start_mariadb, start_rabbitmq
from tests.support.servers.s3 import new_bucket, running_s3, s3_storage_url
from tests.support.services.processes import standalone
from tests.support.services.served import served

CLIENTS = {"classify": 6, "outline": 2, "embed": 2, "caption": 6, "thumbnail": 2, "search": 2}
STARVED = 5.0  # seconds without an answer, of a lane that has been asked all the time
PROVIDER_SECONDS = 1.0
PATIENCE = 60.0


@dataclass
class Lane:
    """The outcomes of one task's requests: the time of each response, and its seconds."""

    began: float
    answers: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def longest_gap(self, end: float) -> float:
        """The longest time without an answer, in seconds."""
        times = [self.began, *sorted(at for at, _ in self.answers), end]
        return max(later - earlier for earlier, later in pairwise(times))


def main() -> int:
    """0 when every request was answered well and no lane starved."""
    parser = argparse.ArgumentParser(prog="python -m bench.mixed", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each of the two runs")
    options = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the S3 server logs each request
    shared = HOUSE.parent / "shared"
    os.environ.setdefault("MODEL_MIRROR", str(shared / "models"))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            pictures = Path(folder) / "photographs"
            images = Path(os.environ.get("IMAGES_DIR") or shared / "images")
            make_photographs(images, pictures, 200, seed=1)
            return _both(Path(folder), read_all(pictures), options.seconds)
    except (BenchFailed, RuntimeError, OSError, requests.RequestException) as error:
        print(f"mixed: {error}", file=sys.stderr)
        return 1


def _both(folder: Path, photographs: list[bytes], seconds: float) -> int:
    faults = []
    for name, life in {"standalone": _standalone, "served": _served}.items():
        with _slow_provider() as captioner, life(folder / name, captioner) as base_url:
            lanes, end = _load(base_url, photographs, seconds)
        print(_table(name, lanes, end))
        faults += _faults(name, lanes, end)
    for fault in faults:
        print(f"mixed: {fault}", file=sys.stderr)
    return 1 if faults else 0


@contextmanager
def _slow_provider() -> Iterator[dict[str, str]]:
    """The settings of a captioner that takes its time."""

    def slowly(handler: Handler) -> None:
        time.sleep(PROVIDER_SECONDS)
        handler.answer(200, completion(CAPTION))

    with providing() as provider:
        provider.always = slowly
        yield {"CAPTIONER_URL": provider.url, "OPENAI_API_KEY": KEY}


@contextmanager
def _standalone(folder: Path, captioner: dict[str, str]) -> Iterator[str]:
    with standalone(folder, **captioner) as service:
        yield service.base_url


@contextmanager
def _served(folder: Path, captioner: dict[str, str]) -> Iterator[str]:
    folder.mkdir()
    models = {"MODEL_DIR": str(folder / "models")}
    run_module(os.environ | models, "engine.models", "pull")
    with ExitStack() as stack:
        database = start_mariadb(folder / "mariadb")
        stack.callback(database.stop)
        broker = start_rabbitmq(folder / "rabbitmq")
        stack.callback(broker.stop)
        s3 = stack.enter_context(running_s3())
        store = s3_storage_url(s3, new_bucket(s3)) + "&timeout=10"
        service = stack.enter_context(
            served(folder, database.url, broker.url, store, engine=False, **models, **captioner)
        )
        for tasks in ("--tasks=caption", "--except=caption"):
            stack.callback(service.start_engine(tasks).stop)
        service.api.wait_for("/readyz")
        yield service.base_url


class Pictures:
    """Photographs without end, the bytes of each new to the service; for many threads."""

    def __init__(self, photographs: list[bytes]):
        self._photographs = photographs
        self._numbers = count()

    def take(self) -> bytes:
        """The next one."""
        number = next(self._numbers)
        [picture] = stamped([self._photographs[number % len(self._photographs)]], f"{number}")
        return picture


def _load(base_url: str, photographs: list[bytes], seconds: float) -> tuple[dict[str, Lane], float]:
    """Ask for everything at once, each client again as soon as it has its answer; returns what came
    of it, and when it ended.
    """
    pictures = Pictures(photographs)
    began = time.monotonic()
    end = began + seconds
    lanes = {task: Lane(began) for task in CLIENTS}
    threads = [
        threading.Thread(target=_client, args=(lanes[task], task, base_url, pictures, end))
        for task, clients in CLIENTS.items()
        for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return lanes, end


def _client(lane: Lane, task: str, base_url: str, pictures: Pictures, end: float) -> None:
    """One connection that asks for `task` until the end; what is under way then is waited for."""
    ask = {"thumbnail": _thumbnail, "search": _search}.get(task, partial(_predict, task))
    with requests.Session() as session:
        while (start := time.monotonic()) < end:
            problem = ask(session, base_url, pictures)
            answered = time.monotonic()
            if problem:
                lane.problems.append(problem)
            else:
                lane.answers.append((answered, answered - start))


def _predict(task: str, session: requests.Session, base_url: str, pictures: Pictures) -> str:
    """Ask for a prediction and wait; returns what went wrong, or an empty text.

    The images are public, so that the index has its work too.
    """
    address = f"{base_url}/v1/predictions?task={task}&wait=30&visibility=public"
    answer = _post(session, address, pictures.take())
    is_right = answer.status_code == 200 and answer.json()["status"] == "succeeded"
    return "" if is_right else answer.text[:300]


def _thumbnail(session: requests.Session, base_url: str, pictures: Pictures) -> str:
    uploaded = _post(session, f"{base_url}/v1/images", pictures.take())
    if uploaded.status_code != 201:
        return uploaded.text[:300]
    answer = session.get(uploaded.json()["urls"]["thumbnail"], timeout=PATIENCE)
    return "" if answer.status_code == 200 else answer.text[:300]


def _search(session: requests.Session, base_url: str, _pictures: Pictures) -> str:
    answer = session.get(f"{base_url}/v1/search", params={"query": "a cat"}, timeout=PATIENCE)
    return "" if answer.status_code == 200 else answer.text[:300]


def _post(session: requests.Session, address: str, picture: bytes) -> requests.Response:
    return session.post(address, picture, headers={"Content-Type": "image/jpeg"}, timeout=PATIENCE)


def _table(name: str, lanes: Mapping[str, Lane], end: float) -> str:
    rows = [
        f"\n{name}",
        "| lane | clients | answers | a second | p50 ms | p99 ms | longest gap s |",
    ]
    rows.append("|---|---|---|---|---|---|---|")
    for task, lane in lanes.items():
        times = [seconds for _, seconds in lane.answers] or [float("nan")]
        p50, p99 = (percentile(times, percent) * 1e3 for percent in (50, 99))
        rate = len(lane.answers) / (end - lane.began)
        figures = (f"{rate:.1f}", f"{p50:.0f}", f"{p99:.0f}", f"{lane.longest_gap(end):.1f}")
        rows.append(f"| {task} | {CLIENTS[task]} | {len(lane.answers)} | {' | '.join(figures)} |")
    return "\n".join(rows)


def _faults(name: str, lanes: Mapping[str, Lane], end: float) -> list[str]:
    found = []
    for task, lane in lanes.items():
        if lane.problems:
            found.append(f"{name}: {len(lane.problems)} of {task}, such as: {lane.problems[0]}")
        if lane.longest_gap(end) > STARVED:
            found.append(f"{name}: {task} starved for {lane.longest_gap(end):.1f} s")
    return found


if __name__ == "__main__":
    sys.exit(main())
