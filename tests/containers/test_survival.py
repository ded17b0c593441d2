"""What is stopped, killed or multiplied under load, and what becomes of the predictions."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.containers.docker import BASE_URL, compose, containers, inside, inspect, said
from tests.support.http.calls import finished, post, until
from tests.support.images.pictures import encode, picture

SIZE = (480, 360)
PREDICTIONS = 200
PATIENCE = 180  # seconds for all of them, on two cores


def ask(first: int, count: int, task: str = "outline") -> list[str]:
    """Ask for `count` predictions of pictures that nobody has sent; their ids."""
    ids = []
    with requests.Session() as session:
        for seed in range(first, first + count):
            file = ("made.jpg", encode(picture(size=SIZE, seed=seed), "JPEG"))
            sent = {"files": {"file": file}, "data": {"task": task}}
            answer = session.post(f"{BASE_URL}/v1/predictions?fresh=true", timeout=30, **sent)  # type: ignore[arg-type]
            assert answer.status_code == 202, (answer.status_code, answer.text)
            ids.append(answer.json()["id"])
    return ids


def state(id: str) -> str:
    return str(requests.get(f"{BASE_URL}/v1/predictions/{id}", timeout=30).json()["status"])


def some_are_done(ids: list[str]) -> bool:
    return state(ids[len(ids) // 10]) == "succeeded"


@pytest.fixture
def seed() -> int:
    """Where new pictures begin."""
    return time.time_ns() // 1000


@pytest.fixture
def two_engines() -> Iterator[list[str]]:
    """Two engine containers; one again at the end."""
    compose("up", "-d", "--no-recreate", "--wait", "--scale", "engine=2", "engine")
    try:
        yield containers("engine")
    finally:
        compose("up", "-d", "--no-recreate", "--wait", "--scale", "engine=1", "engine")
        assert len(containers("engine")) == 1


def test_two_engines_share_the_work(two_engines: list[str], seed: int) -> None:
    assert len(two_engines) == 2
    before = [cpu(engine) for engine in two_engines]
    rows = finished(BASE_URL, ask(seed, 60), PATIENCE)
    assert {row["status"] for row in rows.values()} == {"succeeded"}
    assert {row["attempts"] for row in rows.values()} == {1}
    spent = [cpu(engine) - old for engine, old in zip(two_engines, before, strict=True)]
    assert min(spent) > max(spent) / 4, spent


def cpu(container: str) -> int:
    """The CPU time of a container's first process, in clock ticks."""
    fields = inside(container, "cat", "/proc/1/stat").stdout.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_an_engine_killed_in_the_middle_loses_nothing(two_engines: list[str], seed: int) -> None:
    ids = ask(seed, PREDICTIONS)
    until(lambda: some_are_done(ids), PATIENCE, "the first predictions")
    said("docker", "kill", "--signal=KILL", two_engines[0])
    assert state(ids[-1]) == "queued", "it was not in the middle"
    rows = finished(BASE_URL, ids, PATIENCE)
    assert len(rows) == PREDICTIONS
    assert {row["status"] for row in rows.values()} == {"succeeded"}
    assert max(row["attempts"] for row in rows.values()) == 2, "the kill hit nothing"


def test_a_stopped_engine_ends_what_it_has_in_hand(seed: int) -> None:
    [engine] = containers("engine")
    ids = ask(seed, 60)
    until(lambda: some_are_done(ids), PATIENCE, "the first predictions")
    begun = time.monotonic()
    try:
        compose("stop", "engine")
        took = time.monotonic() - begun
        found = inspect(engine)["State"]
        assert (found["ExitCode"], found["OOMKilled"]) == (0, False)
        assert took < 45
        left = [id for id in ids if state(id) != "succeeded"]
        assert left, "it was not in the middle"
        assert {state(id) for id in left} == {"queued"}
    finally:
        compose("up", "-d", "--wait", "engine")
    rows = finished(BASE_URL, ids, PATIENCE)
    assert {(row["status"], row["attempts"]) for row in rows.values()} == {("succeeded", 1)}


class Uploading(threading.Thread):
    """Uploads one picture after the other until it is told to end."""

    def __init__(self, seed: int):
        super().__init__(daemon=True)
        self.answers: list[requests.Response] = []
        self._seed, self._end = seed, threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.05):
            self._seed += 1
            data = encode(picture(size=SIZE, seed=self._seed), "JPEG")
            headers = {"Content-Type": "image/jpeg"}
            url = f"{BASE_URL}/v1/images?tasks=classify"
            self.answers.append(requests.post(url, data=data, headers=headers, timeout=60))

    def end(self) -> list[requests.Response]:
        self._end.set()
        self.join(60)
        return self.answers


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_an_api_that_is_started_again_loses_nothing_it_accepted(how: str, seed: int) -> None:
    uploading = Uploading(seed)
    uploading.start()
    time.sleep(1)
    if how == "restart":
        compose("restart", "api")
    else:
        said("docker", "kill", "--signal=KILL", *containers("api"))
        compose("up", "-d", "--wait", "api")
    time.sleep(4)
    answers = uploading.end()
    accepted = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert answers[-1].status_code == 201, "it did not come back"
    assert len(accepted) > 20
    for answer in refused:
        check_refusal(answer)
    ids = [answer.json()["predictions"][0]["id"] for answer in accepted]
    rows = finished(BASE_URL, ids, PATIENCE)
    assert {row["status"] for row in rows.values()} == {"succeeded"}


def check_refusal(answer: requests.Response) -> None:
    """While there is no API, nginx says so in the API's own form."""
    said_: dict[str, Any] = answer.json()
    assert (answer.status_code, said_["code"]) == (503, "unavailable"), answer.text
    assert answer.headers["Retry-After"] == "2"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_everything_is_well_again() -> None:
    assert post(
        f"{BASE_URL}/v1/images",
        data=encode(picture(), "PNG"),
        headers={"Content-Type": "image/png"},
    ).ok
    assert requests.get(f"{BASE_URL}/readyz", timeout=30).status_code == 200
