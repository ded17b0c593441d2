"""What the broker's tests share: publish, receive and wait, each with an end in sight."""

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.broker import DEAD_LETTERS, Broker, Consumer, Message, open_broker
from common.broker.inherited.client import InheritedBroker
from common.broker.inherited.server import BrokerServer
from common.broker.memory import MemoryBroker

SOON = 10.0


@contextmanager
def closed_afterwards(url: str) -> Iterator[Broker]:
    """A broker, closed in the end; no thread of it may be left."""
    before = set(threading.enumerate())
    broker = open_broker(url)
    yield broker
    broker.close()
    eventually(lambda: set(threading.enumerate()) <= before)


@contextmanager
def inherited_broker() -> Iterator[Broker]:
    """A broker in memory as a child process has it; no thread of either side may be left."""
    before = set(threading.enumerate())
    mine, theirs = socket.socketpair()
    memory = MemoryBroker()
    server, broker = BrokerServer(memory, mine), InheritedBroker(theirs)
    yield broker
    broker.close()
    server.close()
    memory.close()
    eventually(lambda: set(threading.enumerate()) <= before)


def new_queue() -> str:
    return f"test.{uuid.uuid4().hex}"


def eventually(holds: Callable[[], bool], within: float = SOON) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def take(consumer: Consumer, count: int) -> list[bytes]:
    """Exactly `count` messages, acked; fewer only when they do not come in time."""
    bodies: list[bytes] = []
    deadline = time.monotonic() + SOON
    while len(bodies) < count and time.monotonic() < deadline:
        deliveries = consumer.receive(count - len(bodies), 1.0)
        consumer.ack(deliveries)
        bodies += [one.body for one in deliveries]
    return bodies


def put(broker: Broker, queue: str, *bodies: bytes) -> None:
    publisher = broker.publisher()
    assert publisher.publish([Message(queue, body) for body in bodies]) == [True] * len(bodies)
    publisher.close()


def numbers(count: int) -> list[bytes]:
    return [str(one).encode() for one in range(count)]


def hold(consumer: Consumer, count: int) -> list[bytes]:
    """Receive `count` messages and ack none of them."""
    bodies: list[bytes] = []
    deadline = time.monotonic() + SOON
    while len(bodies) < count and time.monotonic() < deadline:
        bodies += [one.body for one in consumer.receive(100, 1.0)]
    return bodies


def take_dead_letters(broker: Broker, seconds: float, most: int = 1000) -> list[bytes]:
    """The bodies of up to `most` dead letters that come within that time, which then are gone."""
    consumer = broker.consumer([DEAD_LETTERS], prefetch=1000)
    deadline = time.monotonic() + seconds
    bodies: list[bytes] = []
    while len(bodies) < most and (left := deadline - time.monotonic()) > 0:
        found = consumer.receive(most - len(bodies), left)
        consumer.ack(found)
        bodies += [delivery.body for delivery in found]
    consumer.close()
    return bodies


def forget_dead_letters(broker: Broker) -> None:
    """Those of other tests, on a server that all of them share."""
    broker.ensure([])
    consumer = broker.consumer([DEAD_LETTERS], prefetch=100)
    while junk := consumer.receive(100, 0.5):
        consumer.ack(junk)
    consumer.close()
