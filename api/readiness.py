"""Is everything there that a prediction needs, and if not, what is missing?"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from api.context import services
from api.reports import RUNNING
from common.broker import BrokerUnavailable
from common.db import read
from common.errors import Unavailable
from common.tasks import queue_name

OK = "ok"


def engines() -> list[dict[str, Any]]:
    """The reports of the engines that are running now."""
    return read(services().sessions, lambda session: list(session.scalars(RUNNING)))


def check_uploads() -> dict[str, str]:
    """What accepting an upload needs."""
    return {
        "database": _try(lambda: services().sessions and engines()),
        "storage": _try(lambda: services().storage.ensure()),
    }


def check_predictions(tasks: Sequence[str]) -> dict[str, str]:
    """What a prediction of each of these tasks needs, uploads included."""
    queues = [queue_name(task, False) for task in tasks]
    checks = check_uploads() | {"broker": _try(lambda: services().broker.ensure(queues))}
    reports = engines() if checks["database"] == OK else []
    return checks | {f"task {task}": _task(task, reports) for task in tasks}


def _try(check: Callable[[], object]) -> str:
    try:
        check()
    except (Unavailable, BrokerUnavailable) as error:
        return error.detail
    return OK


def _task(task: str, reports: Iterable[dict[str, Any]]) -> str:
    statuses = [report[task] for report in reports if task in report]
    if any(status["ready"] for status in statuses):
        return OK
    problems = [status["problem"] for status in statuses if status["problem"]]
    return problems[0] if problems else "no engine is running for this task"
