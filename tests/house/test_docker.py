"""What the container files promise, read from the files: no Docker is needed."""

import re
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.compose import SERVICES
from tests.house.sources import ROOT

ENGINE_PACKAGES = {
    "ai-edge-litert", "lancedb", "numpy", "opencv-python-headless", "pillow", "rich", "tensorflow",
}  # fmt: skip


def test_the_api_image_installs_no_engine_package() -> None:
    assert "args" not in SERVICES["api"]["build"]
    assert ENGINE_PACKAGES - {"tensorflow"} <= pinned("engine").keys(), "or this test sees nothing"
    assert not pinned("api").keys() & ENGINE_PACKAGES


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_an_image_installs_packages_by_their_hashes(wing: str) -> None:
    installs = re.findall(r"install .*", dockerfile(wing))
    assert installs[0].endswith(f"--require-hashes -r {wing}.txt")
    assert installs[1].startswith("install --no-cache-dir --no-deps .")
    assert re.findall(r"^ARG EXTRAS=(.*)$", dockerfile(wing), re.MULTILINE) == [""]


@pytest.mark.parametrize("wing", ["api", "engine"])
def test_what_an_image_installs_is_what_was_tested(wing: str) -> None:
    tested = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
    tested = {canonicalize_name(name): version for name, version in tested.items()}
    found = pinned(wing)
    assert found.keys() >= installed_with(wing) | installed_with("sentry")
    assert {name: tested.get(name) for name in found} == found


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


def pinned(wing: str) -> dict[str, str]:
    """The packages of an image, each with its version; raises where one has no hash."""
    text = (ROOT / "requirements" / f"{wing}.txt").read_text()
    found = re.findall(r"^([\w.-]+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
    assert len(found) == len(re.findall(r"^[\w.-]+", text, re.M))
    return {canonicalize_name(name): version for name, version in found}


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
                name = canonicalize_name(needed.name)
                todo += [needed] if name not in found else []
                found.add(name)
    return found


def applies(needed: Requirement, extra: str) -> bool:
    return needed.marker is None or needed.marker.evaluate({"extra": extra})
