"""The metrics that are counted while the process runs, with their names, labels and help texts.

`docs/metrics.md` and the dashboard are checked against this file. The metrics that are read from
the database at each scrape are in `database_metrics.py`.
"""

from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from common.observability.metrics.files import Dropped, allocate_files
from common.observability.metrics.specs import (
    BATCH,
    REQUEST,
    STEP,
    WAIT,
    Spec,
    counter,
    gauge,
    histogram,
)

M = TypeVar("M", bound=MetricWrapperBase)
KINDS: dict[str, type[Any]] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


class Family(dict[tuple[str, ...] | str, M], Generic[M]):
    """The series of a metric by the values of its labels, created on first access.

    `family["classify", "fetch"]`, `family["classify"]`, or `family[()]` for a metric without
    labels. An existing series costs one dict access. A new one is exposed as 0 at once.
    """

    def __init__(self, metric: M):
        super().__init__()
        self._metric = metric

    def __missing__(self, key: tuple[str, ...] | str) -> M:
        labels = (key,) if isinstance(key, str) else key
        try:
            series = self[key] = self._metric.labels(*labels) if labels else self._metric
        except OSError:  # the disk is full: the series is counted once its file can be created
            return cast(M, Dropped())
        return series


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one process, and the registry that exposes them."""

    registry: CollectorRegistry

    requests: Family[Counter] = counter(
        "http_requests_total", "Requests that were answered.", "method", "route", "status"
    )
    request_seconds: Family[Histogram] = histogram(
        "http_request_seconds",
        "Seconds from a request's arrival to its answer. `waited`: it asked to wait for a "
        "prediction, so that most of its time is not the API's.",
        REQUEST, "method", "route", "waited",
    )  # fmt: skip
    waiting: Family[Gauge] = gauge(
        "http_waiting_requests", "Requests that are waiting for a prediction now."
    )
    waits_refused: Family[Counter] = counter(
        "http_waits_refused_total",
        "Requests answered without waiting, because too many requests of the caller, or in all, "
        "were waiting.",
    )
    uploads: Family[Counter] = counter("uploads_accepted_total", "Images that were stored.")
    accepted: Family[Counter] = counter(
        "predictions_accepted_total",
        "Predictions that were created; `answer`: `queued`, or `known` for a cached result.",
        "task", "answer",
    )  # fmt: skip

    batch_size: Family[Histogram] = histogram(
        "batch_predictions", "Predictions that a worker claimed at once.", BATCH, "task"
    )
    queue_seconds: Family[Histogram] = histogram(
        "queue_seconds", "Seconds from a prediction's creation to its first claim.", WAIT, "task"
    )
    phase_seconds: Family[Histogram] = histogram(
        "phase_seconds",
        "Seconds of the engine's phases: `fetch`, `decode` and `predict` of one prediction, "
        "`write` of a batch's results.",
        STEP, "task", "phase",
    )  # fmt: skip
    model_seconds: Family[Histogram] = histogram(
        "model_seconds", "A model's seconds for one prediction.", STEP, "task", "model", "version"
    )
    succeeded: Family[Counter] = counter(
        "predictions_succeeded_total",
        "Results that were written.",
        "task", "model", "version",
    )  # fmt: skip
    failed: Family[Counter] = counter(
        "predictions_failed_total",
        "Predictions that failed or expired, by their error code.",
        "task", "code",
    )  # fmt: skip
    retries: Family[Counter] = counter(
        "retries_total",
        "Attempts that failed for another reason than the input, and are retried.",
        "task", "code",
    )  # fmt: skip
    announced_again: Family[Counter] = counter(
        "announced_again_total",
        "Predictions that the sweep announced: their message was lost, the broker did not answer, "
        "a retry was due, or the lease expired.",
    )
    rows_removed: Family[Counter] = counter(
        "rows_removed_total", "Rows deleted at the end of their retention time.", "rows"
    )
    junk: Family[Counter] = counter(
        "junk_messages_total",
        "Messages that named no prediction and were moved to the dead-letter queue.",
        "task",
    )
    dead_letters: Family[Gauge] = gauge(
        "dead_letters", "Messages in the dead-letter queue; `make dead-letters` shows them."
    )
    webhooks: Family[Counter] = counter(
        "webhook_attempts_total",
        "Attempts to deliver a webhook: `delivered`, `failed`, or `gone` (answered with 410).",
        "outcome",
    )
    log_lines_lost: Family[Counter] = counter(
        "log_lines_lost_total",
        "Log lines that could not be written: the disk was full, or the reader ended or was slow.",
    )
    caption_cost: Family[Counter] = counter(
        "caption_cost_dollars_total", "US dollars spent on captions, by CAPTION_PRICE.", "model"
    )
    caption_tokens: Family[Counter] = counter(
        "caption_tokens_total",
        "Tokens that the captions' provider reported: `prompt` and `completion`.",
        "model", "kind",
    )  # fmt: skip


def specs() -> list[Spec]:
    """Return the specification of each metric of `Metrics`."""
    return [each.metadata["spec"] for each in fields(Metrics) if each.metadata]


def open_metrics() -> Metrics:
    """Return all metrics, at zero, in a new registry.

    Processes that share a folder (`common/observability/multiprocess.py`) count in its files.
    """
    allocate_files()
    registry = CollectorRegistry()
    families = {
        each.name: Family(_new_metric(each.metadata["spec"], registry))
        for each in fields(Metrics)
        if each.metadata
    }
    return Metrics(registry, **families)


def _new_metric(spec: Spec, registry: CollectorRegistry) -> Any:
    options: dict[str, Any] = {"registry": registry}
    if spec.kind == "gauge":
        options["multiprocess_mode"] = "livesum"
    if spec.buckets:
        options["buckets"] = spec.buckets
    try:
        return KINDS[spec.kind](spec.name, spec.help, spec.labels, **options)
    except OSError:
        return Dropped()
