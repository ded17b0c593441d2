"""Threads that outlive their own failures."""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
FIRST_PAUSE = 0.5  # seconds before a failed thread's work begins again, doubled each time
LONGEST_PAUSE = 30.0
STEADY = 60.0  # seconds without a failure after which the pause is the first one again


def lasting_thread(
    name: str, work: Callable[[], None], stop: threading.Event | None = None
) -> threading.Thread:
    """A daemon thread that runs `work` until it returns.

    When `work` raises anything at all, MemoryError and SystemExit included, it is logged and `work`
    runs again after a pause, unless `stop` is set: the process would otherwise go on without it.
    """
    forever = stop or threading.Event()
    return threading.Thread(
        target=_keep_running, args=(name, work, forever), name=name, daemon=True
    )


def _keep_running(name: str, work: Callable[[], None], stop: threading.Event) -> None:
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        try:
            work()
            return
        except BaseException:
            log.exception("a thread failed; it is started again", thread=name, pause=pause)
        if time.monotonic() - began > STEADY:
            pause = FIRST_PAUSE
        if stop.wait(pause):
            return
        pause = min(LONGEST_PAUSE, pause * 2)
