"""Calls that can be left behind: what hangs must hold up neither its worker nor the engine."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread
from typing import TypeVar

from common.errors import TryLater

T = TypeVar("T")
LOOKS = 0.5  # seconds between two looks at `stop`
PATIENCE = 5.0  # seconds that a call may still take once the engine is stopping


def call(work: Callable[[], T], seconds: float, stop: Event) -> T:
    """What `work` returns or raises, from a daemon thread of its own.

    Raises TryLater after `seconds`, and soon after `stop` is set; nobody will then take what the
    thread brings, and it does not keep the process alive.
    """
    future: Future[T] = Future()
    Thread(target=_fulfil, args=(future, work), name="caption-call", daemon=True).start()
    end, is_stopping = time.monotonic() + seconds, False
    while (left := end - time.monotonic()) > 0:
        try:
            return future.result(min(LOOKS, left))
        except TimeoutError:
            if future.done():
                return future.result()
        if stop.is_set() and not is_stopping:
            end, is_stopping = min(end, time.monotonic() + PATIENCE), True
    raise TryLater(
        "The captioning service did not answer in time.",
        code="captioner_timeout",
        counts=not is_stopping,  # with more time it might have answered
    )


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
