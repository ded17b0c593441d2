"""The combining queue: one thread processes the items of all threads that wait."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from api.uploads.combining_queue import CombiningQueue
from tests.support.http.calls import until

LONG = 30.0


class Work:
    """Records the groups it receives; each takes until the test releases it."""

    def __init__(self) -> None:
        self.turns: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.error: Exception | None = None

    def __call__(self, values: Sequence[int]) -> int:
        self.turns.append(sorted(values))
        self.begun.release()
        assert self.go_on.acquire(timeout=LONG)
        if self.error:
            raise self.error
        return sum(values)


@pytest.fixture
def work() -> Work:
    return Work()


def gather(
    queue: CombiningQueue[int, int], work: Work, threads: ThreadPoolExecutor, count: int
) -> list[Future[int | None]]:
    """One thread processes 0, and the others wait in the queue."""
    first = threads.submit(queue.run, 0)
    assert work.begun.acquire(timeout=LONG)
    rest = [threads.submit(queue.run, number) for number in range(1, count)]
    until(lambda: len(queue._queue) == count - 1, LONG, "all to wait")
    return [first, *rest]


def test_alone_a_thread_does_its_own(work: Work) -> None:
    work.go_on.release()
    assert CombiningQueue(work, LONG, limit=9).run(7) == 7
    assert work.turns == [[7]]


@pytest.mark.parametrize(("limit", "sizes"), [(9, [1, 5]), (2, [1, 2, 2, 1])])
def test_what_gathers_meanwhile_is_done_at_once(work: Work, limit: int, sizes: list[int]) -> None:
    queue = CombiningQueue(work, LONG, limit)
    with ThreadPoolExecutor(6) as threads:
        futures = gather(queue, work, threads, 6)
        work.go_on.release(len(sizes))
        results = [future.result(LONG) for future in futures]
    assert [len(turn) for turn in work.turns] == sizes
    assert sorted(number for turn in work.turns for number in turn) == list(range(6))
    by_number = {number: sum(turn) for turn in work.turns for number in turn}
    assert results == [by_number[number] for number in range(6)]


def test_an_error_is_everybodys_who_was_in_it(work: Work) -> None:
    queue = CombiningQueue(work, LONG, limit=9)
    with ThreadPoolExecutor(3) as threads:
        futures = gather(queue, work, threads, 3)
        work.error = LookupError("no")
        work.go_on.release(2)
        assert [type(future.exception(LONG)) for future in futures] == [LookupError] * 3
    work.error = None
    work.go_on.release()
    assert queue.run(4) == 4, "and the next turn comes"


def test_who_waited_long_enough_does_it_alone(work: Work) -> None:
    queue = CombiningQueue(work, patience=0.05, limit=9)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(queue.run, 0)
        assert work.begun.acquire(timeout=LONG)
        assert queue.run(1) is None
        work.go_on.release()
        assert first.result(LONG) == 0
    assert work.turns == [[0]], "what was taken back is not done"


def test_what_is_being_done_is_waited_for(work: Work) -> None:
    queue = CombiningQueue(work, patience=1.0, limit=9)
    with ThreadPoolExecutor(3) as threads:
        futures = gather(queue, work, threads, 3)
        work.go_on.release()
        assert work.begun.acquire(timeout=LONG)
        time.sleep(1.2)  # more than the other one's patience, which began before this turn
        work.go_on.release()
        assert [future.result(LONG) for future in futures] == [0, 3, 3]
    assert work.turns == [[0], [1, 2]]
