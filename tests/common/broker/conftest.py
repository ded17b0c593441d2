"""A broker of each kind, and a queue of the test's own."""

from collections.abc import Iterator

import pytest

from common.broker import Broker
from tests.support.brokers import closed_afterwards, inherited_broker, new_queue


@pytest.fixture(params=["memory", "inherited", "amqp"])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    if request.param == "inherited":
        with inherited_broker() as broker:
            yield broker
        return
    url = "memory://" if request.param == "memory" else request.getfixturevalue("broker_url")
    with closed_afterwards(url) as broker:
        yield broker


@pytest.fixture
def queue() -> str:
    return new_queue()
