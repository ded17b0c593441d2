"""Standalone: the API, and the engine in a process that it starts, on the same services.

The only file that imports both: `gunicorn 'standalone:from_env()'` with one worker.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from flask import Flask

from api.app import CLOSE, create_app
from common.allocator import limit_allocator
from common.database.session import transact
from common.errors import SettingsError
from common.observability import multiprocess
from common.observability.crash_traces import ENGINE_CRASH_LOG, crash_log, last_trace
from common.observability.logs import configure, count_lost_lines
from common.predictions import reopen
from common.services import Services, open_services
from common.settings import Settings
from common.startup_checks import make_private, restrict_new_files
from engine.child.supervisor import EngineProcess

HANDOVER_SECONDS = 40.0  # above Gunicorn's graceful_timeout; with CHECK_SECONDS below its timeout
ENDING_SECONDS = 2.0  # for processes that were killed


def from_env() -> Flask:
    """Return the application with a running engine; closing the application stops both."""
    limit_allocator()
    settings = Settings.from_env(os.environ)
    restrict_new_files()
    configure(settings.log_level, settings.log_format, settings.sentry_dsn)
    with ExitStack() as stack:
        lock, is_first_start = stack.enter_context(_alone_in(settings.data_dir))
        stack.enter_context(crash_log(settings.data_dir))
        multiprocess.share_folder(processes=2)
        stack.callback(multiprocess.remove_folder)
        services = stack.enter_context(open_services(settings, serves_callers=True))
        count_lost_lines(services.metrics.log_lines_lost[()])
        engine = EngineProcess(services.broker, _reopening(services), kept=[lock])
        stack.callback(engine.stop)
        engine.start()  # it loads while the API is created
        app = create_app(services)
        stack.callback(app.extensions[CLOSE])
        if is_first_start:  # a reload keeps the environment, and with it the settings
            engine.require_settings()
        app.extensions[CLOSE] = stack.pop_all().close
    return app


def _reopening(services: Services) -> Callable[[], object]:
    """Return what queues the unfinished predictions of an earlier engine again.

    It raises Unavailable while the database takes no writes, for example on a full disk. The engine
    waits for it; the API serves reads.
    """
    has_crashed = bool(last_trace(services.settings.data_dir, ENGINE_CRASH_LOG))
    return partial(transact, services.sessions, partial(reopen, crashed=has_crashed))


@contextmanager
def _alone_in(folder: Path) -> Iterator[tuple[int, bool]]:
    """Hold the folder's lock, because two services would each see half of the in-memory queue.

    Yields the lock's descriptor, and whether this is the first process of its Gunicorn arbiter. The
    engine keeps the descriptor open, so that the lock is held until both processes have ended.

    On a reload (SIGHUP) Gunicorn starts the new process before it ends the old one, so the new one
    waits for the lock while the old one completes its last requests. The processes of a service
    that was killed end within moments.
    """
    make_private(folder)
    with (folder / "lock").open("a+") as lock:
        began = time.monotonic()
        while not _take(lock):
            patience = HANDOVER_SECONDS if _is_of_sibling(lock) else ENDING_SECONDS
            if time.monotonic() - began > patience:
                raise SettingsError(
                    f"DATA_DIR={folder} is in use by another process. Stop it, or change DATA_DIR."
                )
            time.sleep(0.1)
        is_first = not _is_of_sibling(lock)
        lock.truncate(0)
        lock.write(str(os.getppid()))
        lock.flush()
        yield lock.fileno(), is_first


def _take(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_of_sibling(lock: TextIO) -> bool:
    """Return whether the same Gunicorn arbiter started the process that last took the lock."""
    lock.seek(0)
    return lock.read().strip() == str(os.getppid())
