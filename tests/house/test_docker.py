"""What the container files promise, read from the files: no Docker is needed."""

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from tests.house.compose import SERVICES
from tests.house.sources import ROOT

INSTALL = 'install --no-cache-dir -c constraints.txt ".[$EXTRAS]"'
ENGINE_PACKAGES = {
    "ai-edge-litert", "lancedb", "numpy", "opencv-python-headless", "pillow", "rich", "tensorflow",
}  # fmt: skip


def test_the_api_image_installs_no_engine_package() -> None:
    assert re.findall(r"install .*", dockerfile("api")) == [INSTALL]
    assert re.findall(r"^ARG EXTRAS=(.*)$", dockerfile("api"), re.MULTILINE) == ["api,sentry"]
    assert "args" not in SERVICES["api"]["build"]
    assert "numpy" in installed_with("engine"), "or this test sees nothing"
    assert not (installed_with("api") | installed_with("sentry")) & ENGINE_PACKAGES


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
