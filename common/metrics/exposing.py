"""How Prometheus gets to see the metrics: as text, or on a port of their own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
    start_http_server,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from common.errors import SettingsError
from common.metric_files import FOLDER
from common.metrics import Metrics

CONTENT_TYPE = CONTENT_TYPE_LATEST


def expose(metrics: Metrics, *others: Collector) -> bytes:
    """All metrics as text: of all processes that share a folder, and of the other collectors."""
    return generate_latest(_registry(metrics, others))


@contextmanager
def exposed(metrics: Metrics, address: tuple[str, int] | None) -> Iterator[None]:
    """Answer at `address` (host, port) with the metrics as text; nowhere when it is None.

    Raises SettingsError when there is no listening at that address.
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
    disable_created_metrics()  # twice the series, and Prometheus does not use them
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)
    else:
        registry.register(metrics.registry)
        ProcessCollector(registry=registry)
    for other in others:
        registry.register(other)
    return registry
