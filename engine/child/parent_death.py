"""End this process when its parent ends, however that happens."""

import ctypes
import os
import signal
import threading

PR_SET_PDEATHSIG = 1  # from Linux' sys/prctl.h
ENDED = 1


def end_with_parent(lifeline: int) -> None:
    """End this process as soon as the parent's end of the pipe `lifeline` is closed.

    On Linux, the system also kills it when the thread that started it ends: a process that is
    frozen reads no pipe.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(lifeline,), name="parent-watch", daemon=True).start()


def _watch(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os._exit(ENDED)
