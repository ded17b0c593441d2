"""What a metric is: its kind, name, help text and labels."""

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
    """One metric; the name is the whole one, as Prometheus shows it."""

    kind: str
    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


def counter(name: str, help: str, *labels: str) -> Any:
    """A field of `Metrics`: what only grows, its name ending in `_total`."""
    return field(metadata={"spec": Spec("counter", PREFIX + name, help, labels)})


def gauge(name: str, help: str, *labels: str) -> Any:
    """A field of `Metrics`: what goes up and down; of many processes, the sum."""
    return field(metadata={"spec": Spec("gauge", PREFIX + name, help, labels)})


def histogram(name: str, help: str, buckets: tuple[float, ...], *labels: str) -> Any:
    """A field of `Metrics`: how often a value fell into which of the buckets."""
    return field(metadata={"spec": Spec("histogram", PREFIX + name, help, labels, buckets)})


@dataclass(frozen=True, slots=True)
class Sample:
    """A metric's value for some labels, measured when Prometheus asks."""

    spec: Spec
    labels: tuple[str, ...]
    value: float


def standing_gauge(name: str, help: str, *labels: str) -> Spec:
    """What is measured when Prometheus asks."""
    return Spec("gauge", PREFIX + name, help, labels)


def family(spec: Spec, samples: Iterable[Sample]) -> GaugeMetricFamily:
    """The metric with those of the samples that are its own."""
    made = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for sample in samples:
        if sample.spec is spec:
            made.add_metric(sample.labels, sample.value)
    return made
