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
from common.observability.metrics.specs import Sample, family, scraped_gauge
from common.predictions.queue_stats import QUEUED
from common.running_engines import engine_reports
from common.settings import Settings
from common.tables import WebhookDelivery
from common.tasks import all_contracts
from common.webhooks.deliveries import Stage

log = structlog.get_logger(__name__)
FRESH = 5.0  # seconds for which measurements are cached
LANES = {False: "background", True: "interactive"}


DATABASE = scraped_gauge("database_up", "Whether the database answered.")
QUEUE = scraped_gauge(
    "queue_predictions",
    "Predictions that wait for a claim; 10,000 means 10,000 or more.",
    "task", "lane",
)  # fmt: skip
OLDEST = scraped_gauge(
    "queue_oldest_seconds", "Seconds that the oldest prediction has waited; 0: the queue is empty.",
    "task", "lane",
)  # fmt: skip
ENGINES = scraped_gauge("engines_ready", "Engines that are ready for a task.", "task")
WEBHOOK_LAG = scraped_gauge(
    "webhook_lag_seconds",
    "Seconds by which the oldest pending webhook delivery is late; 0 if none is late.",
)
DISK_FREE = scraped_gauge("disk_free_bytes", "Free space on the file system of DATA_DIR.", "folder")
DISK_SIZE = scraped_gauge("disk_size_bytes", "Size of the file system of DATA_DIR.", "folder")
SPECS = [DATABASE, QUEUE, OLDEST, ENGINES, WEBHOOK_LAG, DISK_FREE, DISK_SIZE]


class DatabaseMetrics(Collector):
    """Measures at most once in FRESH seconds; without a database it reports only `database_up 0`
    and the disk.
    """

    def __init__(self, sessions: Sessions, settings: Settings):
        self._sessions = sessions
        self._folder = settings.data_dir
        self._samples = Fresh[list[Sample]](FRESH, initial=[])

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics without values, so that registering does not measure."""
        return (family(spec, []) for spec in SPECS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics with their values."""
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
    return [*queues, *_engines(session), _webhook_lag(session)]


def _queue(session: Session, task: str, interactive: bool) -> tuple[Sample, Sample]:
    row = execute(session, QUEUED, {"task": task, "interactive": interactive}).one()
    lane = (task, LANES[interactive])
    return Sample(QUEUE, lane, row.queued), Sample(OLDEST, lane, _seconds(row, row.oldest))


def _webhook_lag(session: Session) -> Sample:
    due_at = WebhookDelivery.next_attempt_at
    overdue = select(func.min(due_at).label("first"), now().label("now")).where(
        WebhookDelivery.state == Stage.PENDING, due_at <= now()
    )
    row = execute(session, overdue).one()
    return Sample(WEBHOOK_LAG, (), _seconds(row, row.first))


def _engines(session: Session) -> Iterator[Sample]:
    reports = engine_reports(session)
    for task in all_contracts():
        ready = sum(bool(report.get(task, {}).get("ready")) for report in reports)
        yield Sample(ENGINES, (task,), ready)


def _seconds(row: Any, since: Any) -> float:
    return max(0.0, (row.now - since).total_seconds()) if since else 0.0


def _disk(folder: Path) -> list[Sample]:
    usage = shutil.disk_usage(folder)
    where = (str(folder),)
    return [Sample(DISK_FREE, where, usage.free), Sample(DISK_SIZE, where, usage.total)]
