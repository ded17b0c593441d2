"""Every metric says what it means, is on the dashboard, and stands in the documents."""

import json
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from common.observability.metrics import open_metrics
from common.observability.metrics.exporter import expose
from common.observability.metrics.specs import PREFIX
from tests.house.generated_tables import METRICS, all_metrics
from tests.house.sources import ROOT

DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "afterimage.json"
ALERTS = ROOT / "docker" / "prometheus" / "alerts.yml"
SERIES = ("_bucket", "_sum", "_count")  # of a histogram
NAMES = {spec.name for spec in all_metrics()}


def named_in(text: str) -> set[str]:
    """The metrics that a text of queries names."""
    found = set(re.findall(rf"\b{PREFIX}\w+", text))
    stems = {name: next((name.removesuffix(s) for s in SERIES if name.endswith(s)), name)
             for name in found}  # fmt: skip
    return {stems[name] if stems[name] in NAMES else name for name in found}


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads(DASHBOARD.read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("spec", all_metrics(), ids=lambda spec: spec.name)
def test_a_metric_says_what_it_means(spec: Any) -> None:
    assert re.fullmatch(r"[A-Z`].{15,}\.", spec.help), "a sentence"
    for label in spec.labels:
        assert re.fullmatch(r"[a-z]+", label)
    assert spec.name.endswith("_total") == (spec.kind == "counter")


def test_what_is_exposed_carries_the_help_text() -> None:
    text = expose(open_metrics()).decode()
    helped = dict(re.findall(rf"^# HELP ({PREFIX}\w+) (.*)$", text, re.MULTILINE))
    ours = {spec.name: spec.help for spec in all_metrics() if spec.name in helped}
    assert helped == ours
    assert len(helped) > 15


def test_every_metric_is_on_the_dashboard_and_nothing_else_of_ours() -> None:
    shown = named_in(" ".join(t["expr"] for panel in panels() for t in panel["targets"]))
    assert shown == NAMES


def test_every_metric_stands_in_the_documents() -> None:
    assert set(re.findall(rf"`({PREFIX}\w+)`", METRICS.read_text())) == NAMES


def test_alarms_are_about_metrics_that_exist() -> None:
    for alert in alerts():
        assert named_in(alert["expr"]) <= NAMES, alert["alert"]


def test_panels_do_not_cover_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_ids_and_references_of_the_dashboard_are_unique() -> None:
    ids = [panel["id"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert len(ids) == len(set(ids))
    for panel in panels():
        references = [target["refId"] for target in panel["targets"]]
        assert len(references) == len(set(references)), panel["title"]
