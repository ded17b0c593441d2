"""Metrics as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from common.observability.metrics.specs import PREFIX
from tests.support.http.calls import get

Labels = frozenset[tuple[str, str]]


class Scrape:
    """What an address told, once."""

    def __init__(self, text: str):
        self._values: dict[tuple[str, Labels], float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = sample.name.removeprefix(PREFIX), frozenset(sample.labels.items())
                self._values[key] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """The sum of the series of that name that carry the labels; 0 where there is none."""
        wanted = set(labels.items())
        return sum(
            value for (each, held), value in self._values.items() if each == name and wanted <= held
        )

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is such a series."""
        wanted = set(labels.items())
        return any(each == name and wanted <= held for each, held in self._values)


def scrape(url: str) -> Scrape:
    """What `/metrics` there says now."""
    answer = get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return Scrape(answer.text)
