"""Standalone: the API and the engine in one process, on the same services.

The only file that imports both: `gunicorn 'standalone:from_env()'` with one worker.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

import structlog
from flask import Flask

from api.app import CLOSE, create_app
from common.allocator import limit_allocator
from common.database.session import transact
from common.errors import SettingsError, Unavailable
from common.observability.crash_traces import crash_log
from common.observability.logs import configure, count_lost_lines
from common.predictions import reopen
from common.services import Services, open_services
from common.settings import Settings
from common.startup_checks import make_private, restrict_new_files
from common.tasks import all_contracts
from common.threads import lasting_thread
from engine.process import Engine

HANDOVER_SECONDS = 45.0  # above Gunicorn's graceful_timeout, below its timeout

log = structlog.get_logger(__name__)
PAUSE = 2.0  # seconds between two attempts to start while the database takes no writes


def from_env() -> Flask:
    """Return the application with a running engine; closing the application stops both."""
    limit_allocator()
    settings = Settings.from_env(os.environ)
    restrict_new_files()
    configure(settings.log_level, settings.log_format, settings.sentry_dsn)
    with ExitStack() as stack:
        stack.enter_context(_alone_in(settings.data_dir))
        crashed = stack.enter_context(crash_log(settings.data_dir))
        services = stack.enter_context(open_services(settings, serves_callers=True))
        count_lost_lines(services.metrics.log_lines_lost[()])
        app = create_app(services)
        stack.callback(app.extensions[CLOSE])
        _start_engine(services, stack, crashed)
        app.extensions[CLOSE] = stack.pop_all().close
    return app


def _start_engine(services: Services, stack: ExitStack, crashed: bool) -> None:
    engine = Engine(services, list(all_contracts()))
    stop = threading.Event()
    starting = lasting_thread(
        "engine-start", partial(_reopen_and_start, services, engine, crashed, stop)
    )

    def end() -> None:
        stop.set()
        starting.join()
        engine.stop()

    stack.callback(end)
    starting.start()


def _reopen_and_start(
    services: Services, engine: Engine, crashed: bool, stop: threading.Event
) -> None:
    """Queue the unfinished predictions of an earlier process again, then start the engine.

    While the database takes no writes, for example on a full disk, it waits; the API serves reads.
    """
    while not stop.is_set():
        try:
            transact(services.sessions, partial(reopen, crashed=crashed))
        except Unavailable as error:
            log.warning("the engine waits for the database", error=error.detail)
            stop.wait(PAUSE)
        else:
            engine.start()
            return


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, because two processes would each see half of the in-memory queue.

    On a reload (SIGHUP) Gunicorn starts the new process before it ends the old one, so the new one
    waits for the lock while the old one completes its last requests.
    """
    make_private(folder)
    with (folder / "lock").open("a+") as lock:
        deadline = time.monotonic() + HANDOVER_SECONDS
        while not _take(lock):
            if not _is_held_by_sibling(lock) or time.monotonic() > deadline:
                raise SettingsError(
                    f"DATA_DIR={folder} is in use by another process. Stop it, or change DATA_DIR."
                )
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getppid()))
        lock.flush()
        yield


def _take(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_held_by_sibling(lock: TextIO) -> bool:
    """Return whether the same Gunicorn arbiter started the process that holds the lock."""
    lock.seek(0)
    return lock.read().strip() == str(os.getppid())
