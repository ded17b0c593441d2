"""What nginx is told, as far as it can be read; tests/containers asks the running one."""

import ipaddress
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from api.app import close, create_app
from api.gunicorn_conf import keepalive, timeout
from api.predictions.schemas import LONGEST_WAIT
from common.services import open_services
from common.settings import Settings
from tests.house.compose import SERVICES, room, seconds
from tests.house.sources import ROOT

NGINX = ROOT / "docker" / "nginx"
GRAFANA = ROOT / "docker" / "grafana"
SERVICE = (NGINX / "service.conf").read_text()
MAIN = (NGINX / "nginx.conf").read_text()


def started(folder: Path, **environ: str) -> str:
    """The settings that start.sh writes; a program that does nothing stands for nginx."""
    program = folder / "nginx"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "TMPDIR": str(folder)}
    subprocess.run(["sh", NGINX / "start.sh"], env=path | environ, check=True)
    return (folder / "settings.conf").read_text()


def limit_of_the_api(folder: Path, **environ: str) -> int:
    with open_services(Settings.from_env({"DATA_DIR": str(folder), **environ})) as services:
        app = create_app(services)
        close(app)
        most: int = app.config["MAX_CONTENT_LENGTH"]
        return most


@pytest.mark.parametrize("given", ["", "10_000", "52428800"])
def test_bodies_are_limited_as_by_the_api(tmp_path: Path, given: str) -> None:
    most = limit_of_the_api(tmp_path, MAX_UPLOAD_BYTES=given)
    started(tmp_path, MAX_UPLOAD_BYTES=given)
    written = (tmp_path / "upload_size.conf").read_text()
    assert written == f"client_max_body_size {most};\n"
    assert "client_max_body_size 1m;" in SERVICE


def test_the_bodies_of_one_network_do_not_fill_the_proxy(tmp_path: Path) -> None:
    [connections] = re.findall(r"limit_conn connections (\d+);", SERVICE)
    assert int(connections) * limit_of_the_api(tmp_path) < room(SERVICES["nginx"])


def test_only_uploads_may_be_large() -> None:
    [uploads] = re.findall(r"location ~ (\S+) \{\s+include /tmp/upload_size.conf;", SERVICE)
    for path in ("/v1/images", "/v1/images/similar", "/v1/predictions", "/v1/posts", "/predict/"):
        assert re.search(uploads, path) and re.search(uploads, f"/ai{path}")
    for path in ("/inference/image", "/image/outline/objects/"):
        assert re.search(uploads, path)
    for path in ("/v1/feedback", "/token", "/v1/images/check", "/v1/users", "/v1/predictionsx"):
        assert not re.search(uploads, path)


def limited_by(zone: str) -> str:
    """The expression of the paths whose requests count in this zone."""
    [paths] = re.findall(rf"location ~ (\S+) \{{\s+limit_req zone={zone} ", SERVICE)
    return str(paths)


@pytest.mark.parametrize("path", ["/token", "/admin/login/", "/v1/users", "/ai/v1/users/"])
def test_log_ins_and_sign_ups_have_a_limit_of_their_own(path: str) -> None:
    assert re.search(limited_by("logins"), path)
    assert not re.search(limited_by("logins"), "/v1/users/me")


def test_readiness_probes_have_a_limit_of_their_own() -> None:
    assert re.search(limited_by("probes"), "/readyz")
    assert not re.search(limited_by("probes"), "/healthz")


def test_each_limit_counts_ipv6_by_64_bits(tmp_path: Path) -> None:
    [pattern] = re.findall(r'"~(\S+)" \$first_half;', MAIN)
    pattern = pattern.replace("(?<", "(?P<")
    address = ipaddress.ip_address("2001:db8::1").packed.decode("latin-1")
    found = re.search(pattern, address)
    assert found and found["first_half"] == address[:8]
    assert not re.search(pattern, ipaddress.ip_address("192.0.2.1").packed.decode("latin-1"))
    zones = re.findall(r"limit_(?:req|conn)_zone (\S+) zone=(\w+)", MAIN + started(tmp_path))
    assert {zone for _, zone in zones} == {"requests", "logins", "probes", "connections"}
    assert {key for key, _ in zones} == {"$client_network"}


def test_hsts_is_sent_once() -> None:
    text = (NGINX / "tls.conf").read_text()
    assert text.count("add_header Strict-Transport-Security") == 1
    assert "proxy_hide_header Strict-Transport-Security;" in text


@pytest.mark.parametrize("path", ["/metrics", "//metrics", "/metrics/", "/ai/metrics"])
def test_metrics_are_not_for_outside(path: str) -> None:
    [hidden] = re.findall(r"location ~ (\S*metrics\S*) \{", SERVICE)
    assert re.search(hidden, path)


def test_the_rate_is_a_setting(tmp_path: Path) -> None:
    assert "rate=7r/s;" in started(tmp_path, REQUESTS_PER_SECOND="7")


def test_another_proxy_is_believed_only_where_there_is_one(tmp_path: Path) -> None:
    assert "real_ip_header" not in started(tmp_path, TRUSTED_PROXIES="1")
    believed = started(tmp_path, TRUSTED_PROXIES="2")
    assert "real_ip_header X-Forwarded-For;" in believed
    assert "set_real_ip_from 0.0.0.0/0;" not in believed
    assert "set_real_ip_from 10.0.0.0/8;" in believed
    own = started(tmp_path, TRUSTED_PROXIES="2", TRUSTED_PROXY_NETWORKS="192.0.2.7,2001:db8::/32")
    assert re.findall(r"set_real_ip_from (\S+);", own) == ["192.0.2.7", "2001:db8::/32"]


def test_with_tls_plain_http_is_redirected(tmp_path: Path) -> None:
    started(tmp_path)
    assert "service.conf" in (tmp_path / "plain.conf").read_text()
    (tmp_path / "fullchain.pem").touch()
    started(tmp_path, TLS_FOLDER=str(tmp_path), TLS_PORT="8443")
    redirect = (tmp_path / "plain.conf").read_text()
    assert "return 308 https://$host:8443$request_uri;" in redirect
    assert "service.conf" not in redirect
    for port in ("0", "443"):
        started(tmp_path, TLS_FOLDER=str(tmp_path), TLS_PORT=port)
        assert "return 308 https://$host$request_uri;" in (tmp_path / "plain.conf").read_text()


def test_nothing_is_given_up_before_the_api_would() -> None:
    [waits] = re.findall(r"proxy_read_timeout (\w+);", SERVICE)
    assert seconds(waits) > timeout > LONGEST_WAIT
    [idle] = re.findall(r"keepalive_timeout (\w+);  # Gunicorn", MAIN)
    assert seconds(idle) < keepalive
    [ending] = re.findall(r"worker_shutdown_timeout (\w+);", MAIN)
    assert LONGEST_WAIT < seconds(ending) < seconds(SERVICES["nginx"]["stop_grace_period"])


def test_prometheus_asks_services_that_are_there() -> None:
    config = yaml.safe_load((ROOT / "docker" / "prometheus" / "prometheus.yml").read_text())
    asked = [
        name
        for job in config["scrape_configs"]
        for found in job.get("dns_sd_configs", [])
        for name in found["names"]
    ]
    assert {"api", "engine"} <= set(asked) <= SERVICES.keys()
    rules = [ROOT / "docker" / "prometheus" / name for name in config["rule_files"]]
    assert all(yaml.safe_load(path.read_text()).keys() == {"groups"} for path in rules)


def provisioned(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((GRAFANA / "provisioning" / name).read_text())
    return content


def test_grafana_finds_its_source_and_its_dashboards() -> None:
    folder = GRAFANA / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["url"], source["isDefault"]) == ("http://prometheus:9090", True)
    [provider] = provisioned("dashboards/afterimage.yml")["providers"]
    mounted = [volume.split(":") for volume in SERVICES["grafana"]["volumes"]]
    where = {target: source for source, target, *_ in mounted}
    assert where[provider["options"]["path"]] == "./docker/grafana/dashboards"
