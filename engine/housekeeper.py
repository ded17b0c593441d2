"""The housekeeper: repairs predictions that make no progress, and removes what is no longer needed.

Any number of housekeepers may run at once, one in each engine: the claim drops superfluous
messages, and a chore is taken by one of them.
"""

import random
import threading
from collections.abc import Callable, Collection
from functools import partial

import structlog

from common.allocator import release_freed
from common.announcer import Announcer
from common.broker import DEAD_LETTERS
from common.database.session import transact
from common.errors import Unavailable
from common.predictions import sweep
from common.predictions.sweep import EXPIRED
from common.services import Services
from common.threads import lasting_thread
from engine.garbage import begin, do_due_chores

log = structlog.get_logger(__name__)
SWEEPS = 1.0  # seconds between two sweeps, with jitter so that engines do not sweep in step
CHORES = 30.0  # seconds after which the chores are checked again


class Housekeeper:
    """Runs two threads from start() to stop(), so that a long chore does not delay the sweep."""

    def __init__(self, services: Services, announcer: Announcer, tasks: Collection[str] = ()):
        begin(services.metrics)
        self._services = services
        self._tasks = tasks  # those that this engine serves
        self._announcer = announcer
        self._stop = threading.Event()
        rounds = {"sweep": (SWEEPS, self.sweep), "chores": (CHORES, self.chores)}
        self._threads = [
            lasting_thread(name, partial(self._repeat, *each), self._stop)
            for name, each in rounds.items()
        ]

    def start(self) -> None:
        """Start with a sweep."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the current step; a chore that takes long is abandoned."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _repeat(self, period: float, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
            except Unavailable as error:
                log.warning("no housekeeping", error=error.detail)
            except Exception:
                log.exception("housekeeping failed")
            if self._stop.wait(period * random.uniform(0.8, 1.2)):
                return

    def sweep(self) -> None:
        """Expire predictions after their deadline; announce again those that lost their message or
        claimer.
        """
        overdue = transact(self._services.sessions, sweep)
        for id, task, interactive in overdue.announce:
            self._announcer.announce(id, task, interactive)
        self._announcer.finished(overdue.expired)
        metrics = self._services.metrics
        metrics.announced_again[()].inc(len(overdue.announce))
        for task, number in overdue.expired_of.items():
            metrics.failed[task, EXPIRED].inc(number)
        if overdue:
            log.info("sweep", announced=len(overdue.announce), expired=len(overdue.expired))

    def chores(self) -> None:
        """Do the chores that are due, count the dead letters, and return freed memory to the
        system.
        """
        do_due_chores(self._services, self._tasks)
        waiting = self._services.broker.depths([DEAD_LETTERS])[DEAD_LETTERS]
        self._services.metrics.dead_letters[()].set(waiting)
        release_freed()
