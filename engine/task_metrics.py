"""Count finished batches in the metrics."""

from collections.abc import Collection, Sequence
from uuid import UUID

from common.observability.metrics import Metrics
from common.predictions import Claims, Outcome, Retry, Success
from common.predictions.claim import POISON
from common.predictions.sweep import EXPIRED


def count(
    metrics: Metrics, outcomes: Sequence[Outcome], final: Collection[UUID], write: float
) -> None:
    """Count a batch of one task, of which the ids in `final` reached a final state. `write` is the
    time in seconds to write the results. Predictions that another worker had taken over are not
    counted.
    """
    task = outcomes[0].job.task
    metrics.batch_size[task].observe(len(outcomes))
    metrics.phase_seconds[task, "write"].observe(write)
    final_ids = set(final)
    for outcome in outcomes:
        if outcome.job.attempt == 1:
            metrics.queue_seconds[task].observe(outcome.job.waited)
        if isinstance(outcome, Success):
            _count_success(metrics, outcome, outcome.job.id in final_ids)
        elif outcome.job.id in final_ids:
            metrics.failed[task, outcome.code].inc()
        elif isinstance(outcome, Retry):
            metrics.retries[task, outcome.code].inc()


def begin(metrics: Metrics, task: str) -> None:
    """Expose as 0 the counters that alerts use: for Prometheus the first value is not an
    increase.
    """
    for code in (POISON, EXPIRED):
        metrics.failed[task, code].inc(0)
    metrics.junk[task].inc(0)


def count_poison(metrics: Metrics, claims: Claims) -> None:
    """Count the predictions that were given up because their claimers crashed repeatedly."""
    for task, number in claims.poison_of.items():
        metrics.failed[task, POISON].inc(number)


def _count_success(metrics: Metrics, outcome: Success, is_written: bool) -> None:
    task, model = outcome.job.task, outcome.model
    for phase, seconds in outcome.timings.items():
        metrics.phase_seconds[task, phase].observe(seconds)
    named = (task, str(model.get("name", "")), str(model.get("version", "")))
    metrics.model_seconds[named].observe(outcome.timings.get("predict", 0.0))
    if is_written:
        metrics.succeeded[named].inc()
