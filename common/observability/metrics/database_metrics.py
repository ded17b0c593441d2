"""Metrics that are measured for each scrape: queues, overdue webhooks, engines, disks."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from common.database.session import Sessions, execute, now, read
from common.errors import Unavailable
from common.fresh import Fresh
from common.observability.metrics.specs import Sample, family, standing_gauge
from common.predictions.queue_stats import QUEUED
from common.settings import Settings
from common.tables import EngineProcess, WebhookDelivery
from common.tasks import all_contracts
from common.webhooks.deliveries import Stage

log = structlog.get_logger(__name__)
FRESH = 5.0  # seconds for which measurements are cached
RECENT = 10  # seconds without a heartbeat after which an engine counts as ended
LANES = {False: "background", True: "interactive"}


DATABASE = standing_gauge("database_up", "Whether the database answered.")
QUEUE = standing_gauge(
    "queue_predictions",
    "Predictions that nobody has claimed yet; 10,000 stands for more, too.",
    "task", "lane",
)  # fmt: skip
OLDEST = standing_gauge(
    "queue_oldest_seconds", "How long the first of a queue has waited; 0 when it is empty.",
    "task", "lane",
)  # fmt: skip
ENGINES = standing_gauge("engines_ready", "Engines that can make a task's predictions now.", "task")
WEBHOOK_LAG = standing_gauge(
    "webhook_lag_seconds", "How long the webhook that was due first has been overdue; 0: none is."
)
DISK_FREE = standing_gauge(
    "disk_free_bytes", "Free space where the embedded defaults keep everything.", "folder"
)
DISK_SIZE = standing_gauge("disk_size_bytes", "Size of that file system.", "folder")
SPECS = [DATABASE, QUEUE, OLDEST, ENGINES, WEBHOOK_LAG, DISK_FREE, DISK_SIZE]

REPORTS = select(EngineProcess.report).where(EngineProcess.seen_at > now(-RECENT))
_due = WebhookDelivery.next_attempt_at
OVERDUE = select(func.min(_due).label("first"), now().label("now")).where(
    WebhookDelivery.state == Stage.PENDING, _due <= now()
)


class DatabaseMetrics(Collector):
    """Measures at most once in FRESH seconds; without a database it reports only `database_up 0`
    and the disk.
    """

    def __init__(self, sessions: Sessions, settings: Settings):
        self._sessions = sessions
        self._folder = settings.data_dir
        self._samples = Fresh[list[Sample]](FRESH, initial=[])

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The metrics without values, so that registering measures nothing."""
        return (family(spec, []) for spec in SPECS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics with their values."""
        samples = [*self._samples.get(self._measure), *_disk(self._folder)]
        return (family(spec, samples) for spec in SPECS)

    def _measure(self) -> list[Sample]:
        try:
            return [Sample(DATABASE, (), 1), *read(self._sessions, _measure)]
        except Unavailable as error:
            log.warning("the queues were not measured", error=error.explained)
            return [Sample(DATABASE, (), 0)]


def _measure(session: Session) -> list[Sample]:
    """Measure with one query per lane, over its unclaimed rows, and two more."""
    queues = [
        sample
        for task in all_contracts()
        for interactive in LANES
        for sample in _queue(session, task, interactive)
    ]
    overdue = execute(session, OVERDUE).one()
    return [*queues, *_engines(session), Sample(WEBHOOK_LAG, (), _seconds(overdue, overdue.first))]


def _queue(session: Session, task: str, interactive: bool) -> tuple[Sample, Sample]:
    found = execute(session, QUEUED, {"task": task, "interactive": interactive}).one()
    lane = (task, LANES[interactive])
    return Sample(QUEUE, lane, found.queued), Sample(OLDEST, lane, _seconds(found, found.oldest))


def _engines(session: Session) -> Iterator[Sample]:
    reports = [row.report for row in execute(session, REPORTS)]
    for task in all_contracts():
        ready = sum(bool(report.get(task, {}).get("ready")) for report in reports)
        yield Sample(ENGINES, (task,), ready)


def _seconds(row: Any, since: Any) -> float:
    return max(0.0, (row.now - since).total_seconds()) if since else 0.0


def _disk(folder: Path) -> list[Sample]:
    usage = shutil.disk_usage(folder)
    where = (str(folder),)
    return [Sample(DISK_FREE, where, usage.free), Sample(DISK_SIZE, where, usage.total)]
