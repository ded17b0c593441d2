"""Calls that can be abandoned, so that a hanging call blocks neither its worker nor the engine's
stop.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Event, Thread
from typing import TypeVar

from common.errors import TryLater

T = TypeVar("T")
CHECK_PERIOD = 0.5  # seconds between two checks of `stop`
STOP_TIME = 5.0  # seconds that a call may still take once the engine is stopping


def call(work: Callable[[], T], seconds: float, stop: Event) -> T:
    """Return what `work` returns or raise what it raises, after running it in a daemon thread of
    its own.

    Raises TryLater after `seconds`, and soon after `stop` is set. The thread's result is then
    ignored, and the thread does not keep the process alive.
    """
    future: Future[T] = Future()
    Thread(target=_fulfil, args=(future, work), name="caption-call", daemon=True).start()
    end, is_stopping = time.monotonic() + seconds, False
    while (left := end - time.monotonic()) > 0:
        try:
            return future.result(min(CHECK_PERIOD, left))
        except TimeoutError:
            if future.done():
                return future.result()
        if stop.is_set() and not is_stopping:
            end, is_stopping = min(end, time.monotonic() + STOP_TIME), True
    raise TryLater(
        "The captioning service did not answer in time.",
        code="captioner_timeout",
        counts=not is_stopping,  # it was not given its full time
    )


def _fulfil(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
