"""Work that yields the processor to all other threads and processes of the machine."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

NICENESS = 5  # a thread with 0 receives three times as much of a busy processor


def low_priority_thread(name: str) -> ThreadPoolExecutor:
    """Return an executor with one thread of low priority.

    Linux gives each thread its own priority, and a new thread that of the one that starts it: the
    threads of a library that is first used here have the same priority. Other systems know only
    the priority of a process, which stays as it is.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_yield_to_others)


def _yield_to_others() -> None:
    with contextlib.suppress(OSError):  # not Linux
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
