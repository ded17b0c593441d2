"""A value that is computed at most once per N seconds, with any number of threads."""

import threading
import time

import pytest

from common.fresh import Fresh


def test_a_value_is_computed_once_while_it_is_valid_and_again_afterwards() -> None:
    fresh = Fresh[int](0.2)
    assert fresh.latest is None
    assert [fresh.get(lambda: 1), fresh.get(lambda: 2)] == [1, 1]
    time.sleep(0.25)
    assert fresh.get(lambda: 3) == 3
    assert fresh.latest == 3


def test_other_threads_get_the_former_value_while_one_computes() -> None:
    fresh = Fresh[str](60, initial="former")
    started, finish = threading.Event(), threading.Event()

    def compute() -> str:
        started.set()
        assert finish.wait(10)
        return "new"

    thread = threading.Thread(target=lambda: fresh.get(compute))
    thread.start()
    assert started.wait(10)
    assert fresh.get(lambda: "computed twice") == "former"
    finish.set()
    thread.join(10)
    assert fresh.get(lambda: "computed twice") == "new"


def test_without_a_former_value_every_thread_computes_its_own() -> None:
    fresh = Fresh[str](60)
    assert fresh.get(lambda: fresh.get(lambda: "inner") + " and outer") == "inner and outer"


def test_an_error_is_raised_and_the_next_call_computes_again() -> None:
    fresh = Fresh[int](60, initial=1)
    with pytest.raises(ZeroDivisionError):
        fresh.get(lambda: 1 // 0)
    assert fresh.get(lambda: 2) == 2


def test_a_costly_value_stays_valid_for_longer() -> None:
    fresh = Fresh[int](0, cost_factor=1000)

    def compute() -> int:
        time.sleep(0.05)
        return 1

    assert [fresh.get(compute), fresh.get(lambda: 2)] == [1, 1]
