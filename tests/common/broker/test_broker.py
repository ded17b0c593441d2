"""The broker's contract, over all adapters; a network's faults are in test_broker_faults.py."""

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from common.broker import DEAD_LETTERS, DELIVERY_LIMIT, Broker, Message
from tests.support.brokers import SOON, eventually, forget_dead_letters, hold, numbers, put, take


def test_messages_arrive_in_the_order_of_publishing(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(300))
    assert take(broker.consumer([queue], prefetch=50), 300) == numbers(300)


def test_bodies_are_bytes_of_any_kind_and_length(broker: Broker, queue: str) -> None:
    bodies = [b"", bytes(range(256)), b"\0" * 1_000_000]
    put(broker, queue, *bodies)
    assert take(broker.consumer([queue], prefetch=9), 3) == bodies


def test_ensured_queues_are_empty_and_depths_count_what_waits(broker: Broker, queue: str) -> None:
    broker.ensure([queue])
    broker.ensure([queue])
    assert broker.depths([queue]) == {queue: 0}
    put(broker, queue, *numbers(7))
    eventually(lambda: broker.depths([queue]) == {queue: 7})


def test_the_queue_named_first_is_served_first(broker: Broker, queue: str) -> None:
    fast = f"{queue}.interactive"
    broker.ensure([fast, queue])
    consumer = broker.consumer([fast, queue], prefetch=10)
    put(broker, queue, *numbers(20))
    put(broker, fast, b"a", b"b")
    [first] = consumer.receive(1, SOON)
    time.sleep(0.3)
    rest = [one.queue for one in consumer.receive(100, SOON)]
    assert rest == sorted(rest, key=[fast, queue].index)
    assert [first.queue, *rest].count(fast) == 2


def test_a_full_prefetch_of_one_queue_does_not_starve_the_other(broker: Broker, queue: str) -> None:
    fast = f"{queue}.interactive"
    broker.ensure([fast, queue])
    consumer = broker.consumer([fast, queue], prefetch=4)
    put(broker, queue, *numbers(50))
    held = hold(consumer, 4)
    put(broker, fast, b"now")
    [urgent] = consumer.receive(10, SOON)
    assert (len(held), urgent.queue, urgent.body) == (4, fast, b"now")


def test_no_more_than_the_prefetch_is_handed_out_unacked(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(20))
    consumer = broker.consumer([queue], prefetch=5)
    first, others = consumer.receive(1, SOON), hold(consumer, 4)
    assert [first[0].body, *others] == numbers(5)
    assert consumer.receive(100, 0.3) == []
    consumer.ack(first)
    assert [one.body for one in consumer.receive(100, SOON)] == [b"5"]


def test_the_limit_of_one_receive_is_kept(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(9))
    consumer = broker.consumer([queue], prefetch=9)
    assert len(consumer.receive(1, SOON)) == 1
    time.sleep(0.3)
    assert [len(consumer.receive(4, SOON)) for _ in range(2)] == [4, 4]


def test_receive_waits_no_longer_than_asked_and_wakes_at_once(broker: Broker, queue: str) -> None:
    broker.ensure([queue])
    consumer = broker.consumer([queue], prefetch=5)
    publisher = broker.publisher()
    assert publisher.publish([]) == []
    publisher.publish([Message(queue, b"warm")])
    assert take(consumer, 1) == [b"warm"]
    start = time.monotonic()
    assert consumer.receive(5, 0.2) == []
    assert 0.15 < time.monotonic() - start < 1.0
    threading.Timer(0.2, publisher.publish, ([Message(queue, b"hello")],)).start()
    assert [one.body for one in consumer.receive(5, SOON)] == [b"hello"]
    assert time.monotonic() - start < 2.0


def test_only_what_was_not_acked_comes_back_and_is_marked(broker: Broker, queue: str) -> None:
    put(broker, queue, b"done", b"dropped")
    consumer = broker.consumer([queue], prefetch=2)
    [done], [dropped] = consumer.receive(1, SOON), consumer.receive(1, SOON)
    assert (done.redelivered, dropped.redelivered) == (False, False)
    consumer.ack([done])
    consumer.close()
    [again] = broker.consumer([queue], prefetch=5).receive(5, SOON)
    assert (again.body, again.redelivered) == (b"dropped", True)


def test_what_comes_back_keeps_its_order(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(8))
    consumer = broker.consumer([queue], prefetch=4)
    assert len(hold(consumer, 4)) == 4
    consumer.close()
    assert take(broker.consumer([queue], prefetch=8), 8) == numbers(8)


def test_discarded_messages_become_dead_letters(broker: Broker, queue: str) -> None:
    forget_dead_letters(broker)
    junk = uuid.uuid4().bytes
    put(broker, queue, junk, b"good")
    consumer = broker.consumer([queue], prefetch=2)
    [bad] = consumer.receive(1, SOON)
    consumer.discard([bad])
    assert take(consumer, 1) == [b"good"]
    consumer.close()
    assert take(broker.consumer([DEAD_LETTERS], prefetch=10), 1) == [junk]
    assert broker.depths([queue]) == {queue: 0}


def test_a_message_given_back_too_often_becomes_a_dead_letter(broker: Broker, queue: str) -> None:
    forget_dead_letters(broker)
    poison = uuid.uuid4().bytes
    put(broker, queue, poison)
    for _ in range(DELIVERY_LIMIT + 1):
        consumer = broker.consumer([queue], prefetch=1)
        assert [one.body for one in consumer.receive(1, SOON)] == [poison]
        consumer.close()
    assert take(broker.consumer([DEAD_LETTERS], prefetch=10), 1) == [poison]


def test_acking_twice_or_with_another_consumer_changes_nothing(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(4))
    consumer, other = broker.consumer([queue], prefetch=2), broker.consumer([queue], prefetch=2)
    mine, theirs = consumer.receive(1, SOON), other.receive(1, SOON)
    consumer.ack(theirs)
    consumer.ack(mine)
    consumer.ack(mine)
    consumer.discard(mine)
    consumer.close()
    other.close()
    back = take(broker.consumer([queue], prefetch=9), 3)
    assert sorted([*back, mine[0].body]) == numbers(4)


def test_a_broadcast_reaches_every_subscriber_until_it_leaves(broker: Broker) -> None:
    heard: list[list[bytes]] = [[], [], []]
    reconnects: list[int] = []
    subscriptions = [broker.subscribe(one.append, lambda: reconnects.append(1)) for one in heard]
    publisher = broker.publisher()
    publisher.publish([Message("test.warm", b"")])
    publisher.broadcast(b"one")
    eventually(lambda: heard == [[b"one"]] * 3)
    subscriptions[0].close()
    publisher.broadcast(b"two")
    eventually(lambda: heard[1:] == [[b"one", b"two"]] * 2)
    assert heard[0] == [b"one"]
    assert not reconnects


def test_a_subscriber_that_raises_hears_the_next_event(broker: Broker) -> None:
    heard: list[bytes] = []

    def listen(body: bytes) -> None:
        heard.append(body)
        raise RuntimeError(body)

    broker.subscribe(listen, lambda: None)
    publisher = broker.publisher()
    publisher.publish([Message("test.warm", b"")])
    publisher.broadcast(b"one")
    publisher.broadcast(b"two")
    eventually(lambda: heard == [b"one", b"two"])


def test_after_close_nothing_is_confirmed_received_or_raised(broker: Broker, queue: str) -> None:
    put(broker, queue, *numbers(3))
    publisher, consumer = broker.publisher(), broker.consumer([queue], prefetch=1)
    subscription = broker.subscribe(lambda _: None, lambda: None)
    held = consumer.receive(1, SOON)
    for part in (publisher, consumer, subscription):
        part.close()
        part.close()
    assert publisher.publish([Message(queue, b"late")]) == [False]
    publisher.broadcast(b"late")
    consumer.ack(held)
    assert consumer.receive(5, 5.0) == []
    assert take(broker.consumer([queue], prefetch=5), 3) == numbers(3)


def test_closing_the_broker_closes_everything_in_use(broker: Broker, queue: str) -> None:
    consumer, publisher = broker.consumer([queue], prefetch=1), broker.publisher()
    waiting = threading.Thread(target=consumer.receive, args=(1, 60.0))
    waiting.start()
    broker.close()
    waiting.join(3)
    assert not waiting.is_alive()
    assert publisher.publish([Message(queue, b"late")]) == [False]


def test_a_crowd_loses_and_doubles_nothing(broker: Broker, queue: str) -> None:
    total, seen, refused, lock = 5_000, Counter[bytes](), list[bool](), threading.Lock()
    broker.ensure([queue])
    publisher = broker.publisher()

    def publish(worker: int) -> None:
        for start in range(0, total // 8, 25):
            bodies = [b"%d.%d" % (worker, start + one) for one in range(25)]
            refused.extend(
                not yes for yes in publisher.publish([Message(queue, b) for b in bodies])
            )

    def consume() -> None:
        consumer = broker.consumer([queue], prefetch=32)
        deadline = time.monotonic() + 20
        while seen.total() < total and time.monotonic() < deadline:
            deliveries = consumer.receive(16, 0.2)
            with lock:
                seen.update(one.body for one in deliveries)
            consumer.ack(deliveries)
        consumer.close()

    with ThreadPoolExecutor(12) as pool:
        jobs = [pool.submit(publish, worker) for worker in range(8)]
        for job in [*jobs, *(pool.submit(consume) for _ in range(4))]:
            job.result(30)
    assert (len(seen), seen.total(), sum(refused)) == (total, total, 0)
    assert broker.depths([queue]) == {queue: 0}
