"""What the containers may do, and what their images hold."""

import re

import pytest

from tests.containers.docker import containers, image_says, inside, inspect, run
from tests.house.compose import ENGINES, LASTING, SERVICES
from tests.house.sources import ROOT
from tests.house.test_docker import ENGINE_PACKAGES

USERS = {"nginx": "101", "api": "10001"} | dict.fromkeys(ENGINES, "10001")
CLOSED = sorted(name for name in LASTING if SERVICES[name].get("read_only"))
INSTALLED = (
    "import json, importlib.metadata as packages;"
    "print(json.dumps([each.name.lower() for each in packages.distributions()]))"
)
FOLDERS = "import json, os; print(json.dumps(sorted(os.listdir('/app'))))"


def status(service: str) -> dict[str, str]:
    """/proc/1/status of the service's first container."""
    done = inside(containers(service)[0], "cat", "/proc/1/status")
    return dict(re.findall(r"^(\w+):\s+(.*)$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("service", sorted(USERS))
def test_it_runs_as_a_user_of_its_own(service: str) -> None:
    assert set(status(service)["Uid"].split()) == {USERS[service]}
    assert set(status(service)["Gid"].split()) == {USERS[service]}


@pytest.mark.parametrize("service", sorted(LASTING))
def test_it_has_no_rights_that_it_does_not_need_and_gets_none(service: str) -> None:
    found = status(service)
    assert found["NoNewPrivs"] == "1"
    allowed = 0x0 if service in CLOSED else 0xCB  # CHOWN, DAC_OVERRIDE, FOWNER, SETGID, SETUID
    assert int(found["CapBnd"], 16) == allowed
    assert int(found["CapEff"], 16) & ~allowed == 0


@pytest.mark.parametrize("service", CLOSED)
def test_it_cannot_write_but_to_tmp_and_its_volumes(service: str) -> None:
    [container, *_] = containers(service)
    for folder in ("/", "/etc", "/usr/bin", "/app"):
        done = inside(container, "sh", "-c", f"[ ! -d {folder} ] || touch {folder}/written")
        assert "Read-only file system" in done.stderr or (folder == "/app" and not done.returncode)
    assert inside(container, "sh", "-c", "echo 1 >/tmp/written && rm /tmp/written").returncode == 0


def test_engines_cannot_change_their_models() -> None:
    done = inside(containers("engine")[0], "touch", "/models/written")
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize("service", sorted(LASTING))
def test_no_secret_is_in_its_environment_or_command(service: str) -> None:
    secrets = {path.read_text().strip() for path in (ROOT / "secrets").iterdir()} - {""}
    assert len(secrets) > 5
    for container in containers(service):
        found = inspect(container)
        shown = " ".join([*found["Config"]["Env"], *(found["Config"]["Cmd"] or [])])
        assert not [secret for secret in secrets if secret in shown]


def test_the_images_hold_one_wing_each() -> None:
    packages = set(image_says("afterimage-api", INSTALLED))
    assert "flask" in packages
    assert packages & ENGINE_PACKAGES == set()
    assert "engine" not in image_says("afterimage-api", FOLDERS)
    packages = set(image_says("afterimage-engine", INSTALLED))
    assert {"numpy", "ai-edge-litert"} <= packages
    assert packages & {"flask", "gunicorn", "tensorflow"} == set()
    assert "api" not in image_says("afterimage-engine", FOLDERS)


def test_the_proxy_reaches_nothing_but_the_api() -> None:
    [nginx] = containers("nginx")
    ask = ("curl", "-sS", "-m", "3", "-o", "/dev/null")
    assert inside(nginx, *ask, "http://api:5000/healthz").returncode == 0
    for other in ("http://s3:8333", "http://prometheus:9090", "http://rabbitmq:15672"):
        assert "Could not resolve host" in inside(nginx, *ask, other).stderr


@pytest.mark.parametrize("more", ["docker-compose.dev.yml", "docker-compose.gpu.yml"])
def test_compose_takes_the_other_files_too(more: str) -> None:
    done = run("docker", "compose", "-f", "docker-compose.yml", "-f", more, "config", "-q")
    assert (done.returncode, done.stderr) == (0, "")
