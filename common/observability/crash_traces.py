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
LONGEST_TRACE = 4000  # characters that are logged


@contextmanager
def crash_log(folder: Path) -> Iterator[bool]:
    """Record a crash of this process in `folder`; yields whether the previous process crashed.

    If the file cannot be written, crashes are not recorded.
    """
    path = folder / CRASH_LOG
    trace = ""
    with suppress(OSError):
        trace = path.read_text(errors="replace").strip()
    if trace:
        log.error("the previous process crashed", trace=trace[:LONGEST_TRACE])
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
