"""The broker on RabbitMQ while RabbitMQ is refused, deleted, frozen, killed and wiped."""

import threading
import time
from collections.abc import Callable, Iterator

import pika
import pytest
from structlog.testing import capture_logs

from common.broker import Broker, BrokerUnavailable, Consumer, Message, Publisher, open_broker
from common.errors import SettingsError
from tests.support.brokers import closed_afterwards, eventually, hold, new_queue, numbers, put, take
from tests.support.servers.backends import missing
from tests.support.servers.private import (
    RunningServer,
    free_ports,
    rabbitmq_program,
    start_rabbitmq,
)

pytestmark = pytest.mark.faults

RECOVERY = 20.0


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    if not rabbitmq_program():
        missing("there is no rabbitmq-server here to be killed")
    with start_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture
def queue() -> str:
    return new_queue()


@pytest.fixture
def broker(rabbitmq: RunningServer) -> Iterator[Broker]:
    with closed_afterwards(rabbitmq.url) as broker:
        yield broker


def timed(call: Callable[[], object]) -> tuple[object, float]:
    start = time.monotonic()
    return call(), time.monotonic() - start


def confirmed(publisher: Publisher, queue: str, body: bytes) -> bool:
    return publisher.publish([Message(queue, body)]) == [True]


def one_by_one(consumer: Consumer, wanted: bytes) -> bool:
    deliveries = consumer.receive(1, 0.5)
    consumer.ack(deliveries)
    return [one.body for one in deliveries] == [wanted]


def delete(url: str, queue: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_delete(queue)


def test_a_broker_that_refuses_is_an_answer_at_once_and_one_line_in_the_log(queue: str) -> None:
    [port] = free_ports(1)
    with capture_logs() as logs:
        broker = open_broker(f"amqp://user:secret@127.0.0.1:{port}/")
        publisher, consumer = broker.publisher(), broker.consumer([queue], prefetch=1)
        broker.subscribe(lambda _: None, lambda: None)
        for _ in range(20):
            answer, seconds = timed(lambda: publisher.publish([Message(queue, b"")] * 3))
            assert (answer, seconds < 1.0) == ([False] * 3, True)
        publisher.broadcast(b"")
        assert consumer.receive(1, 0.5) == []
        for ask in (broker.ensure, broker.depths):
            with pytest.raises(BrokerUnavailable) as caught:
                ask([queue])
            assert "refused" in caught.value.explained
        broker.close()
    assert sorted(line["link"] for line in logs) == ["consumer", "publisher", "subscription"]
    assert "secret" not in str(logs)


def test_a_wrong_password_is_named_and_never_shown(rabbitmq: RunningServer, queue: str) -> None:
    broker = open_broker(rabbitmq.url.replace("guest:guest", "guest:secret"))
    with pytest.raises(BrokerUnavailable) as caught:
        broker.ensure([queue])
    assert "ACCESS_REFUSED" in caught.value.explained
    assert "secret" not in caught.value.explained
    broker.close()


@pytest.mark.parametrize(
    "url",
    [
        *["", "kafka://host", "amqp//guest:secret@host", "amqp://guest@host/"],
        *["amqp://guest:se#cret@host:x/", "amqp://host/?heartbeat=secret"],
    ],
)
def test_an_unusable_address_is_a_settings_error_without_the_password(url: str) -> None:
    with pytest.raises(SettingsError, match="BROKER_URL") as caught:
        open_broker(url)
    assert "cret" not in str(caught.value)


def test_a_queue_of_another_make_is_refused_with_its_name(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        connection.channel().queue_declare(queue)
    with pytest.raises(BrokerUnavailable) as caught:
        broker.ensure([queue])
    assert queue in caught.value.explained


def test_a_queue_deleted_under_a_consumer_comes_back_and_the_others_keep_theirs(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    other = new_queue()
    broker.ensure([queue, other])
    consumer = broker.consumer([queue, other], prefetch=3)
    publisher = broker.publisher()
    assert confirmed(publisher, queue, b"gone")
    put(broker, other, *numbers(3))
    assert len(hold(consumer, 4)) == 4
    delete(rabbitmq.url, queue)
    eventually(lambda: confirmed(publisher, queue, b"new"))
    eventually(lambda: one_by_one(consumer, b"new"))
    assert consumer.receive(9, 0.5) == [], "the other queue's deliveries were not handed out again"


def test_what_cannot_be_routed_is_not_confirmed_and_the_next_publish_heals(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    publisher, neighbour = broker.publisher(), new_queue()
    broker.ensure([queue, neighbour])
    assert confirmed(publisher, queue, b"lost with its queue")
    delete(rabbitmq.url, queue)
    mixed = [Message(one, b"mixed") for one in (queue, neighbour, queue)]
    assert publisher.publish(mixed) == [False, True, False]
    eventually(lambda: confirmed(publisher, queue, b"kept"))
    assert take(broker.consumer([queue], prefetch=9), 1) == [b"kept"]


def test_a_frozen_broker_costs_one_bounded_wait_and_closing_is_quick(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    publisher = broker.publisher()
    broker.ensure([queue])
    assert confirmed(publisher, queue, b"")
    doomed = open_broker(rabbitmq.url)
    doomed.subscribe(lambda _: None, lambda: None)
    parts = doomed.publisher(), doomed.consumer([queue], prefetch=1)
    assert confirmed(parts[0], queue, b"") and hold(parts[1], 1)
    rabbitmq.freeze()
    closing = threading.Thread(target=doomed.close)
    start = time.monotonic()
    closing.start()
    answer, seconds = timed(lambda: confirmed(publisher, queue, b""))
    closing.join()
    try:
        assert (answer, 4.5 < seconds < 6.0) == (False, True)
        assert timed(lambda: confirmed(publisher, queue, b""))[1] < 0.5
        hurried = open_broker(rabbitmq.url)
        hurried.consumer([queue], prefetch=1)
        time.sleep(0.1)
        assert timed(hurried.close)[1] < 3.0, "closing while connecting"
    finally:
        rabbitmq.thaw()
    assert time.monotonic() - start < 12.0
    eventually(lambda: confirmed(publisher, queue, b"again"), RECOVERY)


def test_everything_survives_a_killed_broker_and_nothing_confirmed_is_lost(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    heard: list[bytes] = []
    reconnected = threading.Event()
    broker.ensure([queue])
    publisher, consumer = broker.publisher(), broker.consumer([queue], prefetch=2)
    broker.subscribe(heard.append, reconnected.set)
    put(broker, queue, *numbers(50))
    held = consumer.receive(1, 5.0)
    time.sleep(1.5)  # RabbitMQ 3.10 may lose a quorum queue in the second after its declaration
    rabbitmq.kill()
    eventually(lambda: not confirmed(publisher, queue, b"early"))
    for _ in range(5):
        answer, seconds = timed(lambda: confirmed(publisher, queue, b"never"))
        assert (answer, seconds < 0.5) == (False, True)
    publisher.broadcast(b"never")
    consumer.ack(held)
    assert consumer.receive(9, 0.2) == []
    rabbitmq.start()
    eventually(lambda: confirmed(publisher, queue, b"last"), RECOVERY)
    assert reconnected.wait(RECOVERY)
    publisher.broadcast(b"hello")
    eventually(lambda: heard == [b"hello"])
    [first] = consumer.receive(1, RECOVERY)
    assert (first.body, first.redelivered) == (b"0", True), "the late ack was not taken for it"
    consumer.ack([first])
    assert take(consumer, 50) == [*numbers(50)[1:], b"last"]


def test_a_wiped_broker_gets_its_topology_back(
    rabbitmq: RunningServer, broker: Broker, queue: str
) -> None:
    broker.ensure([queue])
    publisher, consumer = broker.publisher(), broker.consumer([queue], prefetch=2)
    heard: list[bytes] = []
    reconnected = threading.Event()
    broker.subscribe(heard.append, reconnected.set)
    assert confirmed(publisher, queue, b"lost")
    rabbitmq.wipe()
    rabbitmq.start()
    eventually(lambda: confirmed(publisher, queue, b"found"), RECOVERY)
    eventually(lambda: one_by_one(consumer, b"found"), RECOVERY)
    assert reconnected.wait(RECOVERY)
    publisher.broadcast(b"hello")
    eventually(lambda: heard == [b"hello"])
