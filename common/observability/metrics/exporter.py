"""Exposing metrics to Prometheus, as text or on a port of their own."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from common.errors import SettingsError
from common.observability.metrics import Metrics
from common.observability.metrics.files import locked
from common.observability.metrics.processes import Processes
from common.observability.multiprocess import FOLDER

log = structlog.get_logger(__name__)
CONTENT_TYPE = CONTENT_TYPE_LATEST
PATIENCE = 1.0  # seconds that a scrape waits while a dead process is being merged


def expose(metrics: Metrics, *others: Collector) -> bytes:
    """Return as text the metrics of all processes that share a folder, and of other collectors."""
    return generate_latest(_registry(metrics, others))


@contextmanager
def exposed(metrics: Metrics, address: tuple[str, int] | None) -> Iterator[None]:
    """Serve the metrics at `address` (host, port); for None, do nothing.

    Raises SettingsError if the address cannot be listened on.
    """
    if address is None:
        yield
        return
    host, port = address
    try:
        server, thread = start_http_server(port, host, registry=_registry(metrics, ()))
    except OSError as error:
        raise SettingsError(f"METRICS_PORT={host}:{port} cannot be used: {error}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _registry(metrics: Metrics, others: tuple[Collector, ...]) -> CollectorRegistry:
    disable_created_metrics()  # they double the series, and Prometheus does not use them
    registry = CollectorRegistry()
    if folder := os.environ.get(FOLDER):
        registry.register(Guarded(SharedFolder(Path(folder))))
        registry.register(Guarded(Processes(Path(folder))))
    else:
        registry.register(metrics.registry)
        ProcessCollector(registry=registry)
    for other in others:
        registry.register(Guarded(other))
    return registry


class SharedFolder(Collector):
    """Collects the metrics of all processes that share the folder, while no merge is running."""

    def __init__(self, folder: Path):
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the sums over all processes; raises ValueError if the folder was removed."""
        collector = MultiProcessCollector(None, path=str(self._folder))
        with locked(self._folder, fcntl.LOCK_SH, PATIENCE):
            return list(collector.collect())


class Guarded(Collector):
    """Wraps a collector and logs its errors, so that the others are still exposed."""

    def __init__(self, inner: Collector):
        self._inner = inner

    def describe(self) -> Iterable[Metric]:
        """Return the metrics' names, if the collector has them, so that registering it does not
        collect.
        """
        return getattr(self._inner, "describe", list)()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics; an empty list if collecting them failed."""
        try:
            return list(self._inner.collect())
        except Exception:
            log.exception("metrics were not collected", collector=type(self._inner).__name__)
            return []
