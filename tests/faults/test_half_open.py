"""A broker's link that is half open: nothing comes any more, and nobody has said so."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from common.broker import Broker, Message
from tests.faults.proxy import Fault, Proxy
from tests.faults.stack import Servers
from tests.support.brokers import closed_afterwards, new_queue
from tests.support.http.calls import until

NOTICED = 15.0  # seconds


@pytest.fixture
def proxy(servers: Servers) -> Iterator[Proxy]:
    with Proxy(servers.broker.port) as proxy:
        yield proxy


@pytest.fixture
def broker(servers: Servers, proxy: Proxy) -> Iterator[Broker]:
    parts = urlsplit(servers.broker.url)
    host = parts.netloc.replace(str(servers.broker.port), str(proxy.port))
    with closed_afterwards(parts._replace(netloc=host).geturl()) as broker:
        yield broker


def test_a_half_open_link_is_noticed_in_time_and_connected_anew(
    broker: Broker, proxy: Proxy
) -> None:
    queue = new_queue()
    consumer = broker.consumer([queue], 10)
    subscription = broker.subscribe(lambda _: None, lambda: None)
    links = [part.link for part in (consumer, subscription)]  # type: ignore[attr-defined]
    assert all(link.is_up(10) for link in links)
    proxy.fault = Fault(mute=True)
    start = time.monotonic()
    until(lambda: not any(link.is_up() for link in links), NOTICED, "the loss to be noticed")
    noticed = time.monotonic() - start
    proxy.fault = Fault()
    proxy.reset()
    until(lambda: all(link.is_up() for link in links), 15, "to be connected again")
    print(f"noticed after {noticed:.1f} s")
    publisher = broker.publisher()
    assert publisher.publish([Message(queue, b"x" * 16)]) == [True]
    received = consumer.receive(10, 10)
    assert [delivery.body for delivery in received] == [b"x" * 16]
    consumer.ack(received)


def test_an_idle_link_that_works_is_kept(broker: Broker) -> None:
    consumer = broker.consumer([new_queue()], 10)
    link = consumer.link  # type: ignore[attr-defined]
    assert link.is_up(10)
    until_end = time.monotonic() + NOTICED + 3
    while time.monotonic() < until_end:
        assert link.is_up(), "the heartbeats show that it lives"
        time.sleep(0.2)
