"""prometheus-client's `process_…` metrics, summed over the processes that share a folder."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from common.observability.metrics.dead_processes import DEAD

# The others are sums.
COMBINED: dict[str, Callable[[Iterable[float]], float]] = {
    "process_start_time_seconds": max,  # a restart of any process shows
    "process_max_fds": min,
}


class Processes(Collector):
    """Collects the memory, CPU time and open files of the running processes of a folder.

    Pages of memory that several processes share are counted for each of them.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of all processes; of a process that has ended none."""
        ids = {path.stem.rpartition("_")[2] for path in self._folder.glob("*_*.db")} - {DEAD}
        found: dict[str, list[Metric]] = {}
        for id in sorted(ids):
            for metric in ProcessCollector(pid=partial(str, id), registry=None).collect():
                found.setdefault(metric.name, []).append(metric)
        return [_combined(metrics) for metrics in found.values()]


def _combined(metrics: list[Metric]) -> Metric:
    combine = COMBINED.get(metrics[0].name, sum)
    result = Metric(metrics[0].name, metrics[0].documentation, metrics[0].type)
    [name] = {sample.name for metric in metrics for sample in metric.samples}
    result.add_sample(name, {}, combine(s.value for metric in metrics for s in metric.samples))
    return result
