"""Threads that restart their work after an exception."""

import threading
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)
FIRST_PAUSE = 0.5  # seconds before failed work restarts; doubled after each failure
LONGEST_PAUSE = 30.0
STEADY = 60.0  # seconds without a failure after which the pause is FIRST_PAUSE again


def lasting_thread(
    name: str, work: Callable[[], None], stop: threading.Event | None = None
) -> threading.Thread:
    """Return a daemon thread, not yet started, that runs `work` until it returns.

    Any exception of `work`, including MemoryError and SystemExit, is logged, and `work` runs again
    after a pause unless `stop` is set; otherwise the process would continue without this thread.
    """
    stop = stop or threading.Event()
    return threading.Thread(target=_keep_running, args=(name, work, stop), name=name, daemon=True)


def _keep_running(name: str, work: Callable[[], None], stop: threading.Event) -> None:
    pause = FIRST_PAUSE
    while True:
        began = time.monotonic()
        try:
            work()
            return
        except BaseException:
            log.exception("a thread failed; it restarts", thread=name, pause=pause)
        if time.monotonic() - began > STEADY:
            pause = FIRST_PAUSE
        if stop.wait(pause):
            return
        pause = min(LONGEST_PAUSE, pause * 2)
