"""A file with the traceback of a fatal signal, by which the next process recognizes a crash.

SIGKILL, a power failure or a lost host leave no traceback and do not count as a crash.
"""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

CRASH_LOG = "crash.log"
ENGINE_CRASH_LOG = "engine-crash.log"  # of an engine that shares the folder with the API
LONGEST_TRACE = 4000  # characters that are logged


def last_trace(folder: Path, name: str = CRASH_LOG) -> str:
    """Return the traceback of the process that last recorded its crashes in this file; an empty
    text if it did not crash.
    """
    with suppress(OSError):
        return (folder / name).read_text(errors="replace").strip()
    return ""


@contextmanager
def crash_log(folder: Path, name: str = CRASH_LOG) -> Iterator[bool]:
    """Record a crash of this process in a file of `folder`; yields whether the previous process
    crashed.

    If the file cannot be written, crashes are not recorded.
    """
    path, trace = folder / name, last_trace(folder, name)
    if trace:
        log.error("the previous process crashed", trace=trace[:LONGEST_TRACE], file=name)
    try:
        file = path.open("w")
    except OSError as error:
        log.warning("the crash log cannot be written", error=str(error))
        yield bool(trace)
        return
    with file:
        faulthandler.enable(file)
        try:
            yield bool(trace)
        finally:
            faulthandler.disable()
