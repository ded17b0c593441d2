"""The housekeeper: looks after predictions that nothing has happened to for too long.

Any number may run at once, in any engine: a message too many is dropped by the claim.
"""

import random
import threading

import structlog

from common.announcer import Announcer
from common.db import Sessions, transact
from common.errors import Unavailable
from common.predictions import sweep

log = structlog.get_logger(__name__)
PERIOD = 1.0  # seconds between two sweeps, with jitter so that many housekeepers do not meet


class Housekeeper:
    """Sweeps in a thread from start() to stop()."""

    def __init__(self, sessions: Sessions, announcer: Announcer):
        self._sessions = sessions
        self._announcer = announcer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin with a sweep at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the sweep in hand."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            try:
                self.sweep()
            except Unavailable as error:
                log.warning("no sweep", error=error.detail)
            except Exception:
                log.exception("a sweep failed")
            if self._stop.wait(PERIOD * random.uniform(0.8, 1.2)):
                return

    def sweep(self) -> None:
        """Expire what is too late, announce (again) what lost its message or its claimer."""
        overdue = transact(self._sessions, sweep)
        for id, task, interactive in overdue.announce:
            self._announcer.announce(id, task, interactive)
        self._announcer.finished(overdue.expired)
        if overdue:
            log.info("sweep", announced=len(overdue.announce), expired=len(overdue.expired))
