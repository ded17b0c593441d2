"""Requests that are hostile by being many at once: waiting, slow, and of large pictures."""

import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.abuse.bad_requests import PHOTO
from tests.support.abuse.cost import Bystander, cost_of
from tests.support.http.accounts import Account
from tests.support.http.calls import finished
from tests.support.images.pictures import bomb
from tests.support.services.abused import OTHERS, PATIENCE
from tests.support.services.abused import anna as anna
from tests.support.services.abused import image as image
from tests.support.services.abused import service as service
from tests.support.services.processes import Running

pytestmark = pytest.mark.alone


def test_48_requests_that_wait_keep_nobody_else_from_an_answer(
    service: Running, anna: Account, image: str
) -> None:
    """They wait for predictions of one caller; another one searches and looks at a thumbnail."""
    base = service.base_url
    wanted = {"items": [{"custom_id": f"{n}", "image_id": image, "task": "outline",
                         "params": {"tolerance": n / 100}} for n in range(100)]}  # fmt: skip
    batch = requests.post(f"{base}/v1/batches", json=wanted, headers=anna.headers, timeout=PATIENCE)
    batch.raise_for_status()
    listed = requests.get(batch.json()["urls"]["items"], headers=anna.headers, timeout=PATIENCE)
    last = listed.json()["items"][-1]["prediction_id"]

    def wait(_number: int) -> int:
        where = f"{base}/v1/predictions/{last}?wait=10"
        return requests.get(where, headers=anna.headers, timeout=PATIENCE).status_code

    with ThreadPoolExecutor(48) as threads, Bystander(base) as health:
        waiting = threads.map(wait, range(48))
        answers = [
            requests.get(f"{base}/v1/search?query=cat{n}", timeout=PATIENCE) for n in range(5)
        ]
        assert set(waiting) == {200}
    assert [answer.status_code for answer in answers] == [200] * 5
    assert health.failed == []
    assert health.slowest < OTHERS
    requests.post(batch.json()["urls"]["cancel"], headers=anna.headers, timeout=PATIENCE)


SLOW = 70  # connections of each kind; the service has 64 threads at most
HEAD = b"POST /v1/images HTTP/1.1\r\nHost: localhost\r\n"
SLOW_HEADS = [b"GE", b"GET / HTTP/1.1\r\nX-Slow:", HEAD]
SLOW_BODIES = [
    HEAD + f"Content-Type: {kind}\r\nContent-Length: 1000000\r\n\r\n--b".encode()
    for kind in ("image/jpeg", "application/json", "multipart/form-data; boundary=b")
]


@pytest.mark.parametrize("beginnings", [SLOW_HEADS, SLOW_BODIES], ids=["heads", "bodies"])
def test_clients_that_stop_within_a_request_hold_up_nobody(
    service: Running, beginnings: list[bytes]
) -> None:
    address = urlsplit(service.base_url)
    with ExitStack() as open_ones, Bystander(service.base_url) as other:
        for number in range(SLOW):
            one = socket.create_connection((address.hostname, address.port), PATIENCE)
            open_ones.enter_context(one)
            one.sendall(beginnings[number % len(beginnings)])
        for _ in range(3):
            taken = requests.post(
                f"{service.base_url}/v1/images",
                data=PHOTO,
                headers={"Content-Type": "image/jpeg"},
                timeout=PATIENCE,
            )
            assert taken.status_code == 201
            time.sleep(0.5)
    assert other.failed == []
    assert other.slowest < OTHERS


BOMBS = 8
BOMBS_SECONDS = 300.0  # until all are decoded; 40 on an idle machine of two cores
BOMBS_MEMORY = 1536 << 20  # bytes that the service may hold in all; 1.8 GB more without a budget


def test_eight_bombs_at_once_share_the_memory_for_one(service: Running) -> None:
    base = service.base_url

    def upload(number: int) -> Any:
        return requests.post(
            f"{base}/v1/images?tasks=classify,outline,embed&wait=30",
            data=bomb(number),
            headers={"Content-Type": "image/png"},
            timeout=PATIENCE,
        )

    with (
        ThreadPoolExecutor(BOMBS) as threads,
        Bystander(base) as health,
        cost_of(service.pid) as cost,
    ):
        answers = list(threads.map(upload, range(BOMBS)))
    assert {answer.status_code for answer in answers} == {201}
    results = [finished(base, [each["id"] for each in answer.json()["predictions"]], BOMBS_SECONDS)
               for answer in answers]  # fmt: skip
    states = Counter(row["status"] for rows in results for row in rows.values())
    assert states == {"succeeded": 3 * BOMBS}
    assert cost.peak < BOMBS_MEMORY, f"{cost.peak >> 20} MB"
    assert health.failed == []
    assert health.slowest < OTHERS
