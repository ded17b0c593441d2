"""The alarms go off when they should: Prometheus' own promtool plays time to them."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.house.sources import ROOT
from tests.house.test_metrics import alerts
from tests.support.servers.backends import missing

FOLDER = ROOT / "docker" / "prometheus"
PLAYED = FOLDER / "alerts_test.yml"


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if not (program := shutil.which("promtool")):
        missing("there is no promtool here")
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_prometheus_takes_its_configuration() -> None:
    done = promtool("check", "config", FOLDER / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alarms_go_off_when_they_should() -> None:
    done = promtool("test", "rules", PLAYED)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sound", "broken"),
    [("> 0.05", "> 0.5"), ("== 0", "== 1"), ("for: 5m", "for: 50m"), ('code!~"image_.*"', "")],
)
def test_a_broken_alarm_would_be_noticed(sound: str, broken: str, tmp_path: Path) -> None:
    text = (FOLDER / "alerts.yml").read_text()
    assert sound in text
    (tmp_path / "alerts.yml").write_text(text.replace(sound, broken))
    (tmp_path / PLAYED.name).write_text(PLAYED.read_text())
    assert promtool("test", "rules", tmp_path / PLAYED.name).returncode != 0


def test_every_alarm_is_played_through() -> None:
    played = {
        case["alertname"]
        for test in yaml.safe_load(PLAYED.read_text())["tests"]
        for case in test.get("alert_rule_test", ())
        if case["exp_alerts"]
    }
    assert played == {alert["alert"] for alert in alerts()}


def test_every_alarm_is_explained() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text()
    assert [alert["alert"] for alert in alerts() if f"`{alert['alert']}`" not in text] == []
