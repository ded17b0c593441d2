"""Specifications of metrics: kind, name, help text and labels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.core import GaugeMetricFamily

PREFIX = "afterimage_"
REQUEST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
STEP = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)  # seconds
WAIT = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)  # seconds
BATCH = (1, 2, 4, 8, 12, 16, 32, 64)  # predictions


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric; `name` is the full name that Prometheus shows."""

    kind: str
    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


def counter(name: str, help: str, *labels: str) -> Any:
    """Return a field of `Metrics` for a counter, whose name ends in `_total`."""
    return field(metadata={"spec": Spec("counter", PREFIX + name, help, labels)})


def gauge(name: str, help: str, *labels: str) -> Any:
    """Return a field of `Metrics` for a gauge; the values of several processes are added."""
    return field(metadata={"spec": Spec("gauge", PREFIX + name, help, labels)})


def histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Any:
    """Return a field of `Metrics` for a histogram with these upper bounds of buckets."""
    return field(metadata={"spec": Spec("histogram", PREFIX + name, help, labels, buckets)})


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of one series of a metric, measured at a scrape."""

    spec: Spec
    labels: tuple[str, ...]
    value: float


def scraped_gauge(name: str, help: str, *labels: str) -> Spec:
    """Return the specification of a gauge that is measured at each scrape."""
    return Spec("gauge", PREFIX + name, help, labels)


def family(spec: Spec, samples: Iterable[Sample]) -> GaugeMetricFamily:
    """Return the metric with those samples that belong to it."""
    metric = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for sample in samples:
        if sample.spec is spec:
            metric.add_metric(sample.labels, sample.value)
    return metric
