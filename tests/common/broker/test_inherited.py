"""The broker of a child process: what follows when one of the two processes is gone or frozen."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.broker import BrokerUnavailable, Message
from common.broker.inherited.client import InheritedBroker
from common.broker.inherited.server import BrokerServer
from common.broker.memory import MemoryBroker
from tests.support.brokers import SOON, eventually, hold, new_queue, numbers, put, take
from tests.support.checkout import CHECKOUT

# A child that receives what it is sent and acknowledges the first message.
CHILD = """
import socket, sys, time
from common.broker.inherited.client import InheritedBroker
broker = InheritedBroker(socket.socket(fileno=int(sys.argv[1])))
consumer = broker.consumer([sys.argv[2]], 10)
[first] = consumer.receive(1, 30)
consumer.ack([first])
broker.depths([])  # the parent has handled the acknowledgement when it answers
print("acknowledged", flush=True)
time.sleep(60)
"""


@contextmanager
def child(
    memory: MemoryBroker, queue: str
) -> Iterator[tuple[BrokerServer, "subprocess.Popen[str]"]]:
    """A child that has acknowledged the first message of the queue, and its server."""
    mine, theirs = socket.socketpair()
    server = BrokerServer(memory, mine)
    command = [sys.executable, "-c", CHILD, str(theirs.fileno()), queue]
    with subprocess.Popen(
        command, cwd=CHECKOUT, pass_fds=[theirs.fileno()], stdout=subprocess.PIPE, text=True
    ) as process:
        theirs.close()
        try:
            assert process.stdout
            assert process.stdout.readline() == "acknowledged\n"
            yield server, process
        finally:
            process.kill()
            server.close()


@pytest.fixture
def memory() -> Iterator[MemoryBroker]:
    broker = MemoryBroker()
    yield broker
    broker.close()


@pytest.fixture
def pair(memory: MemoryBroker) -> Iterator[tuple[BrokerServer, InheritedBroker]]:
    mine, theirs = socket.socketpair()
    server, broker = BrokerServer(memory, mine), InheritedBroker(theirs)
    yield server, broker
    broker.close()
    server.close()


def test_what_a_killed_child_has_not_acknowledged_comes_back(memory: MemoryBroker) -> None:
    queue = new_queue()
    put(memory, queue, *numbers(5))
    with child(memory, queue) as (_, process):
        assert memory.depths([queue]) == {queue: 0}, "all are at the child"
        process.kill()
        eventually(lambda: memory.depths([queue]) == {queue: 4})
        deliveries = memory.consumer([queue], 9).receive(9, SOON)
        assert [each.body for each in deliveries] == numbers(5)[1:]
        assert all(each.redelivered for each in deliveries)


def test_a_frozen_child_delays_no_publisher(memory: MemoryBroker) -> None:
    queue = new_queue()
    put(memory, queue, b"first")
    with child(memory, queue) as (server, process):
        process.send_signal(signal.SIGSTOP)
        put(memory, queue, *[bytes(1_000_000)] * 20)  # more than a socket holds
        server.close()
        assert memory.depths([queue]) == {queue: 20}


def test_without_the_parent_nothing_is_confirmed_or_received(
    memory: MemoryBroker, pair: tuple[BrokerServer, InheritedBroker]
) -> None:
    server, broker = pair
    queue = new_queue()
    put(broker, queue, *numbers(5))
    publisher, consumer = broker.publisher(), broker.consumer([queue], 3)
    assert len(hold(consumer, 3)) == 3
    server.close()
    assert publisher.publish([Message(queue, b"late")]) == [False]
    publisher.broadcast(b"late")
    with pytest.raises(BrokerUnavailable):
        broker.depths([queue])
    start = time.monotonic()
    assert consumer.receive(1, 0.3) == []
    assert time.monotonic() - start > 0.25, "a caller that asks again must not spin"
    assert take(memory.consumer([queue], 9), 5) == numbers(5)
