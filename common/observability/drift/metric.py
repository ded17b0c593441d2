"""The stability index as a metric: computed from the hourly samples when Prometheus asks."""

from collections.abc import Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from common.database.session import Sessions, read
from common.errors import Unavailable
from common.fresh import Fresh
from common.observability.drift import stability_index
from common.observability.drift.samples import Compared, compared
from common.observability.drift.windows import Windows
from common.observability.metrics.specs import Sample, Spec, family, standing_gauge
from common.settings import Settings

log = structlog.get_logger(__name__)
FRESH = 60.0  # seconds that the samples, which change every few minutes, are not read again

PSI = standing_gauge(
    "drift_psi",
    "Population stability index of the latest images against the reference: above 0.1 some drift, "
    "above 0.25 much. There is none below DRIFT_LEAST images on either side.",
    "model", "feature",
)  # fmt: skip
IMAGES = standing_gauge(
    "drift_images", "Classified images that are compared for drift.", "model", "window"
)
SPECS: list[Spec] = [PSI, IMAGES]


class Drift(Collector):
    """Reads the samples at most once in FRESH seconds; without a database it reports no metrics."""

    def __init__(self, sessions: Sessions, settings: Settings):
        self._sessions = sessions
        self._windows = Windows.of(settings)
        self._least = settings.drift_least
        self._samples = Fresh[list[Sample]](FRESH, initial=[])

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The metrics without values, so that registering reads nothing."""
        return (family(spec, []) for spec in SPECS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics with their values."""
        samples = self._samples.get(self._measure)
        return (family(spec, samples) for spec in SPECS)

    def _measure(self) -> list[Sample]:
        try:
            return read(self._sessions, self._compare)
        except Unavailable as error:
            log.warning("drift was not measured", error=error.detail)
            return []

    def _compare(self, session: Session) -> list[Sample]:
        return [sample for pair in compared(session, self._windows) for sample in self._of(pair)]

    def _of(self, pair: Compared) -> Iterator[Sample]:
        sizes = {"current": pair.current.total(), "reference": pair.reference.total()}
        if pair.feature == "confidence":  # every image has one
            for window, size in sizes.items():
                yield Sample(IMAGES, (pair.model, window), size)
        if min(sizes.values()) >= self._least:
            index = stability_index(pair.feature, pair.reference, pair.current)
            yield Sample(PSI, (pair.model, pair.feature), index)
