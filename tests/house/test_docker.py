"""What the container files promise, read from the files: no Docker is needed."""

import re
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement

from common.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
LASTING = SERVICES.keys() - ONCE
ENGINE_PACKAGES = {
    "ai-edge-litert", "lancedb", "numpy", "opencv-python-headless", "pillow", "rich", "tensorflow",
}  # fmt: skip


def test_the_services_are_there() -> None:
    assert {"api", "engine", "mysql", "rabbitmq", "s3"} == LASTING
    assert {"migrate", "models"} == ONCE


def test_the_api_image_installs_no_engine_package() -> None:
    assert re.findall(r"'(\.\[.*\])'", dockerfile("api")) == [".[api]"]
    assert "numpy" in installed_with("engine"), "or this test sees nothing"
    assert not installed_with("api") & ENGINE_PACKAGES


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_an_image_holds_one_wing(wing: str) -> None:
    folders = {source for source in copied(wing) if (ROOT / source).is_dir()}
    assert {"common", wing} <= folders <= {"common", "migrations", wing}


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_what_an_image_copies_is_let_into_the_build(wing: str) -> None:
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert copied(wing) <= set(allowed)


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_an_image_runs_as_nobody_in_particular(wing: str) -> None:
    final = dockerfile(wing).rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", final, re.MULTILINE) == ["10001:10001"]


@pytest.mark.parametrize("name", sorted(LASTING))
def test_up_can_wait_for_a_service_that_lasts(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(ONCE))
def test_up_takes_the_end_of_a_one_shot_for_success(name: str) -> None:
    # Compose does so only where something that lasts waits for that end.
    waiting = [SERVICES[other].get("depends_on", {}).get(name) for other in LASTING]
    conditions = {needed["condition"] for needed in waiting if needed}
    assert conditions == {"service_completed_successfully"}


def test_ports_are_published_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api", "rabbitmq"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_every_setting_reaches_the_containers(wing: str) -> None:
    known = {spec.metadata["variable"] for spec in Settings.__dataclass_fields__.values()}
    not_in_settings = {"HOST", "PORT", "WEB_PROCESSES", "WEB_THREADS"}
    given = SERVICES[wing]["environment"].keys() | {"MODEL_DIR"}  # the API has none
    assert given == (known | not_in_settings) - {"MODEL_MIRROR"}  # that is for the models alone


def test_the_example_of_env_names_what_compose_reads_and_nothing_else() -> None:
    interpolated = set(re.findall(r"\$\{(\w+)", COMPOSE)) - {"PORT"}  # the Makefile exports it
    passed_on = {name for name, value in SERVICES["api"]["environment"].items() if value is None}
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))
    assert named == interpolated | passed_on


def test_the_example_of_env_states_the_defaults() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}$]*)\}", COMPOSE))
    stated = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert stated
    assert {name: defaults[name] for name in stated} == stated


def dockerfile(wing: str) -> str:
    return (ROOT / "docker" / f"{wing}.Dockerfile").read_text()


def copied(wing: str) -> set[str]:
    """What an image takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile(wing), re.MULTILINE)
    return {source for line in lines for source in line.split()}


def installed_with(extra: str) -> set[str]:
    """The packages that `.[extra]` brings, with all that these need in turn."""
    found: set[str] = set()
    todo = [Requirement(f"afterimage[{extra}]")]
    while todo:
        wanted = todo.pop()
        for line in requires(wanted.name) or []:
            needed = Requirement(line)
            if any(applies(needed, option) for option in (wanted.extras or {""})):
                todo += [needed] if needed.name.lower() not in found else []
                found.add(needed.name.lower())
    return found


def applies(needed: Requirement, extra: str) -> bool:
    return needed.marker is None or needed.marker.evaluate({"extra": extra})
