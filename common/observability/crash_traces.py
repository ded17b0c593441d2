"""Evidence of a crash: a fatal signal of this process leaves its traceback in a file.

SIGKILL, a power failure or a lost host leave nothing, so that a restart can be told from a crash.
"""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

CRASH_LOG = "crash.log"
MOST_LOGGED = 4000  # characters


@contextmanager
def crash_log(folder: Path) -> Iterator[bool]:
    """Record a crash of this process in `folder`; yields whether the former process crashed.

    Where the file cannot be written, nothing is recorded.
    """
    path = folder / CRASH_LOG
    trace = ""
    with suppress(OSError):
        trace = path.read_text(errors="replace").strip()
    if trace:
        log.error("the former process crashed", trace=trace[:MOST_LOGGED])
    try:
        file = path.open("w")
    except OSError as error:
        log.warning("no crash log", error=str(error))
        yield bool(trace)
        return
    with file:
        faulthandler.enable(file)
        try:
            yield bool(trace)
        finally:
            faulthandler.disable()
