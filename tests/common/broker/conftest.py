"""A broker of each kind, and a queue of the test's own."""

from collections.abc import Iterator

import pytest

from common.broker import Broker
from tests.support.brokers import closed_afterwards, new_queue


@pytest.fixture(params=["memory", "amqp"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    url = "memory://" if request.param == "memory" else request.getfixturevalue("broker_url")
    with closed_afterwards(url) as broker:
        yield broker


@pytest.fixture
def queue() -> str:
    return new_queue()
