"""What is counted and timed: every metric with its name, labels and meaning.

`docs/metrics.md` and the dashboard are checked against this file. What is measured from the rows
when Prometheus asks stands in `standing.py`.
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
    """A metric's series by the values of its labels: one dict access, once a series is known.

    `family["classify", "fetch"]`, `family["classify"]`, and `family[()]` where there is no label.
    Looking at a series makes it: it is exposed as 0 from then on.
    """

    def __init__(self, metric: M):
        super().__init__()
        self._metric = metric

    def __missing__(self, key: tuple[str, ...] | str) -> M:
        labels = (key,) if isinstance(key, str) else key
        try:
            series = self[key] = self._metric.labels(*labels) if labels else self._metric
        except OSError:  # no room for its file: counted from when there is some
            return cast(M, Dropped())
        return series


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one process; `registry` is what exposes them."""

    registry: CollectorRegistry

    requests: Family[Counter] = counter(
        "http_requests_total", "Requests that were answered.", "method", "route", "status"
    )
    request_seconds: Family[Histogram] = histogram(
        "http_request_seconds",
        "From a request's arrival to its answer; `waited` says that it asked to wait for a "
        "prediction, so that its time is not the API's.",
        REQUEST, "method", "route", "waited",
    )  # fmt: skip
    waiting: Family[Gauge] = gauge(
        "http_waiting_requests", "Requests that wait for a prediction at this moment."
    )
    waits_refused: Family[Counter] = counter(
        "http_waits_refused_total",
        "Requests answered at once because too many of their caller, or of all, waited already.",
    )
    uploads: Family[Counter] = counter("uploads_accepted_total", "Images that were stored.")
    accepted: Family[Counter] = counter(
        "predictions_accepted_total",
        "Predictions that were asked for; `answer`: `queued`, or `known` for a result that was "
        "there already.",
        "task", "answer",
    )  # fmt: skip

    batch_size: Family[Histogram] = histogram(
        "batch_predictions", "Predictions that a worker took together.", BATCH, "task"
    )
    queue_seconds: Family[Histogram] = histogram(
        "queue_seconds", "From a prediction's request to its first claim.", WAIT, "task"
    )
    phase_seconds: Family[Histogram] = histogram(
        "phase_seconds",
        "What the engine did for one prediction: `fetch` its bytes, `decode` them, `predict`; or "
        "for a batch: `write` its results.",
        STEP, "task", "phase",
    )  # fmt: skip
    model_seconds: Family[Histogram] = histogram(
        "model_seconds", "A model's time for one prediction.", STEP, "task", "model", "version"
    )
    succeeded: Family[Counter] = counter(
        "predictions_succeeded_total",
        "Results that were written.",
        "task", "model", "version",
    )  # fmt: skip
    failed: Family[Counter] = counter(
        "predictions_failed_total",
        "Predictions that failed for good or expired, by the code that their callers see.",
        "task", "code",
    )  # fmt: skip
    retries: Family[Counter] = counter(
        "retries_total",
        "Attempts that failed through no fault of the image's and will be made again.",
        "task", "code",
    )  # fmt: skip
    announced_again: Family[Counter] = counter(
        "announced_again_total",
        "Predictions whose message the housekeeper sent (again): it was lost, the broker was away, "
        "a retry came due, or a claimer vanished.",
    )
    rows_removed: Family[Counter] = counter(
        "rows_removed_total", "Rows that were removed because their time was over.", "rows"
    )
    junk: Family[Counter] = counter(
        "junk_messages_total",
        "Messages that led to no prediction and went to the dead letters.",
        "task",
    )
    dead_letters: Family[Gauge] = gauge(
        "dead_letters", "Messages in the dead-letter queue; `make dead-letters` shows them."
    )
    webhooks: Family[Counter] = counter(
        "webhook_attempts_total",
        "Attempts to deliver a webhook: `delivered`, `failed`, or `gone` (the receiver said 410).",
        "outcome",
    )
    log_lines_lost: Family[Counter] = counter(
        "log_lines_lost_total",
        "Log lines that could not be written: the disk was full, or their reader was gone or slow.",
    )
    caption_cost: Family[Counter] = counter(
        "caption_cost_dollars_total", "US dollars, as CAPTION_PRICE has it.", "model"
    )
    caption_tokens: Family[Counter] = counter(
        "caption_tokens_total",
        "Tokens that the captions' provider counted: `prompt` and `completion`.",
        "model", "kind",
    )  # fmt: skip


def specs() -> list[Spec]:
    """What each metric of `Metrics` is."""
    return [each.metadata["spec"] for each in fields(Metrics) if each.metadata]


def open_metrics() -> Metrics:
    """All metrics at nothing, in a registry of their own.

    In one of many processes (`common/observability/multiprocess.py`) they are kept in the folder
    that these have in common.
    """
    allocate_files()
    registry = CollectorRegistry()
    made = {
        each.name: Family(_made(each.metadata["spec"], registry))
        for each in fields(Metrics)
        if each.metadata
    }
    return Metrics(registry, **made)


def _made(spec: Spec, registry: CollectorRegistry) -> Any:
    options: dict[str, Any] = {"registry": registry}
    if spec.kind == "gauge":
        options["multiprocess_mode"] = "livesum"
    if spec.buckets:
        options["buckets"] = spec.buckets
    try:
        return KINDS[spec.kind](spec.name, spec.help, spec.labels, **options)
    except OSError:
        return Dropped()
