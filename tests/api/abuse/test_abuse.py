"""Hostile requests have a budget each: CPU, memory, and what other callers may wait meanwhile.

The requests are made from the URL map and the schemas in /openapi.json; the service is a real one,
measured from outside. Those that are hostile together are in `test_concurrent_abuse.py`.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest

from tests.support.abuse.cost import Bystander, cost_of
from tests.support.abuse.hostile import (
    Hostile,
    Operation,
    large_bodies,
    long_lists,
    long_texts,
    many_fields,
    odd_json,
)
from tests.support.http.accounts import Account
from tests.support.http.raw import exchange, request
from tests.support.services.abused import OTHERS
from tests.support.services.abused import anna as anna
from tests.support.services.abused import every_operation as every_operation
from tests.support.services.abused import image as image
from tests.support.services.abused import post as post
from tests.support.services.abused import service as service
from tests.support.services.processes import Running

pytestmark = pytest.mark.alone

CPU = 1.0  # seconds a request
MEMORY = 100 << 20  # bytes a request
SOME = 7  # anonymous callers try each seventh request: of most of them nothing is read


def send(service: Running, one: Hostile, who: Account | None) -> int:
    """The status of the answer; the request is written as it is."""
    headers = dict(who.headers if who else {})
    if one.content_type:
        headers["Content-Type"] = one.content_type
    answer = exchange(service.base_url, request(one.method, one.path, headers, one.body))
    return answer.status


def over_budget(service: Running, several: Iterable[Hostile], who: Account | None) -> list[str]:
    """What was wrong with each request: its status, or what it cost."""
    wrong, sent = [], 0
    for one in several:
        sent += 1
        with cost_of(service.pid) as cost:
            status = send(service, one, who)
        if status >= 500 or cost.cpu > CPU or cost.memory > MEMORY:
            wrong.append(f"{one}: {status}, {cost.cpu:.2f} s, {cost.memory >> 20} MB")
    assert sent, "nothing was tried"
    return wrong


KINDS: list[Callable[[Operation], Iterator[Hostile]]] = [
    long_texts, long_lists, odd_json, many_fields, large_bodies,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_request_costs_more_than_its_budget(
    service: Running, anna: Account, every_operation: list[Operation],
    kind: Callable[[Operation], Iterator[Hostile]],
) -> None:  # fmt: skip
    sent = (each for one in every_operation for each in kind(one))
    with Bystander(service.base_url) as other:
        wrong = over_budget(service, sent, anna)
    assert wrong == []
    assert other.failed == []
    assert other.slowest < OTHERS


@pytest.mark.parametrize("kind", KINDS)
def test_nor_does_an_anonymous_one(
    service: Running, every_operation: list[Operation],
    kind: Callable[[Operation], Iterator[Hostile]],
) -> None:  # fmt: skip
    sent = (each for one in every_operation for each in kind(one))
    assert over_budget(service, islice(sent, 0, None, SOME), None) == []


def test_every_field_of_every_schema_is_tried(every_operation: list[Operation]) -> None:
    """The fields that are known today: what the page lacks would not be tried."""
    tried = {str(each) for one in every_operation for each in long_texts(one)}
    for method, path, field in (
        ("POST", "/v1/users", ".name"), ("POST", "/v1/users", ".email"),
        ("POST", "/v1/posts", ".text"), ("POST", "/v1/predictions", ".metadata.*"),
        ("POST", "/v1/feedback", ".positive[]"), ("POST", "/token", "username"),
        ("POST", "/v1/images", ".name"), ("POST", "/v1/keys", ".name"),
    ):  # fmt: skip
        assert f"{method} {path} text {field}" in tried
    assert any(each.endswith("query query") for each in tried)


def test_a_batch_of_a_thousand_is_cheap_to_ask_for(
    service: Running, anna: Account, image: str
) -> None:
    items = [{"custom_id": f"{n}", "image_id": image, "task": "dream"} for n in range(1_000)]
    bad = [{"custom_id": 1, "x" * 200: [1] * 10, "params": [1]} for _ in range(1_000)]
    for each in (items, bad, [None] * 1_000):
        body = json.dumps({"items": each}).encode()
        hostile = Hostile("1,000 items", "POST", "/v1/batches", "application/json", body)
        with Bystander(service.base_url) as other:
            assert over_budget(service, [hostile], anna) == []
        assert other.slowest < OTHERS
