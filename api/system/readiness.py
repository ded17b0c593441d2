"""Readiness checks: whether uploads can be accepted and predictions be made.

Each dependency is checked by one thread at a time and the answer is cached briefly, so that the
cost does not grow with the number of requests.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from api.system.broker_probe import BrokerProbe
from api.system.engine_reports import running_engines
from common.database.session import transact
from common.errors import Unavailable
from common.housekeeping import job_locks
from common.services import Services

log = structlog.get_logger(__name__)
OK = "ok"
KEPT = 2.0  # seconds for which a success is cached
SHORTLY = 0.5  # seconds for which a problem is cached, so that a repair shows soon
PATIENCE = 3.0  # seconds from the start of a check after which its callers stop waiting
ECHO_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class Answer:
    """The outcome of a check: OK or a problem, and a value."""

    began: float = field(default_factory=time.monotonic)
    done: threading.Event = field(default_factory=threading.Event)
    problem: str = OK
    value: Any = None


class Check:
    """A check of one dependency, run in a thread of its own."""

    def __init__(self, name: str, ask: Callable[[], Any], kept: float = KEPT):
        self._kept = kept
        self._name = name
        self._ask = ask
        self._lock = threading.Lock()
        self._last: Answer | None = None

    def answer(self) -> Answer:
        """Return the cached or a new outcome; a problem if it takes over PATIENCE seconds."""
        with self._lock:
            last = self._last
            if last is None or self._is_old(last):
                last = self._last = self._begin()
        if last.done.wait(max(0.0, last.began + PATIENCE - time.monotonic())):
            return last
        return Answer(problem=f"no answer within {PATIENCE:.0f} s")

    def _is_old(self, answer: Answer) -> bool:
        kept = self._kept if answer.problem == OK else SHORTLY
        return answer.done.is_set() and time.monotonic() - answer.began > kept

    def _begin(self) -> Answer:
        answer = Answer()
        work = threading.Thread(
            target=self._find, args=(answer,), name=f"check-{self._name}", daemon=True
        )
        try:
            work.start()
        except RuntimeError:
            answer.problem = "the process cannot start another thread"
            answer.done.set()
        return answer

    def _find(self, answer: Answer) -> None:
        try:
            answer.value = self._ask()
        except Unavailable as error:
            answer.problem = error.detail
        except Exception:
            answer.problem = "an unexpected error; see the service's log"
            log.exception("a readiness check failed", check=self._name)
        finally:
            answer.done.set()


class Readiness:
    """The checks of one API process."""

    def __init__(self, services: Services, echo: BrokerProbe):
        sessions = services.sessions
        self._database = Check("database", lambda: transact(sessions, job_locks.try_to_write))
        self._storage = Check("storage", services.storage.ensure)
        self._broker = Check("broker", lambda: echo.require(ECHO_SECONDS))
        self._engines = Check("engines", lambda: running_engines(sessions), kept=SHORTLY)

    def for_uploads(self) -> dict[str, str]:
        """Return the checks that uploads depend on: OK or the problem, by name."""
        return _problems(database=self._database, storage=self._storage)

    def for_predictions(self, tasks: Sequence[str]) -> dict[str, str]:
        """Return the checks that predictions of these tasks depend on, uploads included."""
        checks = self.for_uploads() | _problems(broker=self._broker)
        engines = self._engines.answer()
        reports = engines.value or []
        if engines.problem != OK:
            return checks | {f"task {task}": engines.problem for task in tasks}
        return checks | {f"task {task}": _task(task, reports) for task in tasks}


def _problems(**checks: Check) -> dict[str, str]:
    return {name: check.answer().problem for name, check in checks.items()}


def _task(task: str, reports: Iterable[dict[str, Any]]) -> str:
    statuses = [report[task] for report in reports if task in report]
    if any(status["ready"] for status in statuses):
        return OK
    problems = [status["problem"] for status in statuses if status["problem"]]
    return problems[0] if problems else "no engine is running for this task"
