"""The stability index as a metric, computed from the hourly samples at each scrape."""

from collections.abc import Iterator

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.orm import Session

from common.database.session import Sessions, read
from common.errors import Unavailable
from common.fresh import Fresh
from common.observability.drift import stability_index
from common.observability.drift.samples import FeatureCounts, read_counts
from common.observability.drift.windows import Windows
from common.observability.metrics.specs import Sample, Spec, family, scraped_gauge
from common.settings import Settings

log = structlog.get_logger(__name__)
FRESH = 60.0  # seconds for which values are reused; the samples change every few minutes

PSI = scraped_gauge(
    "drift_psi",
    "Population stability index of the latest images against the reference: above 0.1 some drift, "
    "above 0.25 much. It is absent below DRIFT_LEAST images on either side.",
    "model", "feature",
)  # fmt: skip
IMAGES = scraped_gauge(
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
        """Return the metrics without values, so that registering does not read samples."""
        return (family(spec, []) for spec in SPECS)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics with their values."""
        samples = self._samples.get(self._measure)
        return (family(spec, samples) for spec in SPECS)

    def _measure(self) -> list[Sample]:
        try:
            return read(self._sessions, self._compare)
        except Unavailable as error:
            log.warning("drift was not measured", error=error.detail)
            return []

    def _compare(self, session: Session) -> list[Sample]:
        return [sample for pair in read_counts(session, self._windows) for sample in self._of(pair)]

    def _of(self, pair: FeatureCounts) -> Iterator[Sample]:
        sizes = {"current": pair.current.total(), "reference": pair.reference.total()}
        if pair.feature == "confidence":  # every image has one
            for window, size in sizes.items():
                yield Sample(IMAGES, (pair.model, window), size)
        if min(sizes.values()) >= self._least:
            index = stability_index(pair.feature, pair.reference, pair.current)
            yield Sample(PSI, (pair.model, pair.feature), index)
