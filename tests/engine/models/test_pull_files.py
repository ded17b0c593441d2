"""Files with a git blob id, an address of their own, a role or a licence, and what `pull` is asked
for on the command line.
"""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest

import engine.models.pull as pulling
from common.errors import SettingsError
from engine.models import commands
from engine.models.catalogue import Manifest, default_model, load_catalogue
from engine.models.model_file import File, parse_file
from engine.models.progress import Lines
from engine.models.pull import PullFailed, pull
from engine.models.verification import damage, is_installed, read_manifest
from tests.engine.models.small import WEIGHTS, assert_installed, manifest, nowhere
from tests.support.servers import files
from tests.support.servers.files import Site


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "PAUSE", 0.01)


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def by_git(site: Site, data: bytes = WEIGHTS) -> Manifest:
    """The small model, known by the id that git gives to its file."""
    file = File("net.bin", git_blob=blob_id(data))
    return dataclasses.replace(manifest(site.url), files=(file,))


@pytest.mark.parametrize("data", [WEIGHTS, b""])
def test_a_file_is_verified_by_its_git_blob_id(data: bytes, site: Site, tmp_path: Path) -> None:
    site.files = {"net.bin": data}
    model = by_git(site, data)
    folder = pull(model, tmp_path, "", Lines())
    assert_installed(model, folder)
    assert len(model.sha256) == 64
    (folder / "net.bin").write_bytes(data + b"x")
    assert damage(model, folder) != []


def test_other_bytes_than_those_of_the_git_blob_are_refused(site: Site, tmp_path: Path) -> None:
    site.faults = [files.other_bytes]
    with pytest.raises(PullFailed, match="git blob id"):
        pull(by_git(site), tmp_path, "", Lines())
    assert not is_installed(by_git(site), tmp_path / by_git(site).folder)


def test_a_download_without_a_known_size_starts_again_after_a_cut(
    site: Site, tmp_path: Path
) -> None:
    site.faults = [files.cut_in_the_middle]
    assert_installed(by_git(site), pull(by_git(site), tmp_path, "", Lines()))
    assert [wanted for _, wanted in site.asked] == [None, None]


def test_a_file_with_an_address_of_its_own_comes_from_there(site: Site, tmp_path: Path) -> None:
    site.files = {"weights.bin": WEIGHTS}
    [file] = manifest("x").files
    own = dataclasses.replace(file, address=f"{site.url}/weights.bin", role="weights")
    model = dataclasses.replace(manifest(nowhere()), files=(own,))
    assert_installed(model, pull(model, tmp_path, "", Lines()))
    assert site.asked == [("/files/weights.bin", None)]


def test_the_mirror_has_such_a_file_by_its_name_in_the_folder(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "net.bin").write_bytes(WEIGHTS)
    [file] = manifest("x").files
    own = dataclasses.replace(file, address=f"{nowhere()}/weights")
    model = dataclasses.replace(manifest(nowhere()), files=(own,))
    assert_installed(model, pull(model, tmp_path / "models", str(mirror), Lines()))


def test_a_notice_is_installed_and_its_licence_is_shown(site: Site, tmp_path: Path) -> None:
    site.files |= {"NOTICE": b"Copyright"}
    first, second = manifest(site.url, **{"net.bin": WEIGHTS, "NOTICE": b"Copyright"}).files
    notice = dataclasses.replace(second, role="notice", licence="CC-BY-4.0")
    model = dataclasses.replace(manifest(site.url), files=(first, notice))
    folder = pull(model, tmp_path, "", Lines())
    assert (folder / "NOTICE").read_bytes() == b"Copyright"
    assert read_manifest(folder) == model
    assert model.identity["licence"] == "Apache-2.0, CC-BY-4.0"


@pytest.mark.parametrize(
    "described",
    [
        {}, {"size": 3}, {"sha256": "0" * 64}, {"size": 3, "sha256": "0"}, {"git_blob": "0" * 39},
        {"size": 3, "sha256": "0", "git_blob": "0" * 40},
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_verified_is_no_file(described: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs a size and a sha256, or a git_blob"):
        parse_file({"name": "net.bin"} | described)


# ---- the models of a command


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, site: Site) -> list[Manifest]:
    """Three models of one task: a default, one whose file is nowhere, and one by name alone."""
    good = manifest(site.url)
    lost = dataclasses.replace(manifest(nowhere()), name="lost")
    other = dataclasses.replace(good, name="other", default=False)
    monkeypatch.setattr(commands, "load_catalogue", lambda: (lost, good, other))
    return [lost, good, other]


def pulled(model_dir: Path, *names: str, tasks: tuple[str, ...] = ()) -> int:
    return commands.pull_models(commands.Order(model_dir, ""), tasks, names)


def test_a_model_that_cannot_be_fetched_is_skipped_and_the_others_are_installed(
    catalogue: list[Manifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost, good, other = catalogue
    assert pulled(tmp_path) == 0
    assert_installed(good, tmp_path / good.folder)
    assert not (tmp_path / other.folder).exists(), "it is not a default"
    said = capsys.readouterr().err
    assert f"models: classify: {lost.reference} is skipped. net.bin" in said
    assert "Traceback" not in said


def test_a_model_that_is_asked_for_must_be_installed(
    catalogue: list[Manifest], tmp_path: Path
) -> None:
    _, good, other = catalogue
    assert pulled(tmp_path, other.reference) == 0
    assert_installed(other, tmp_path / other.folder)
    assert not (tmp_path / good.folder).exists()
    assert pulled(tmp_path, "other", "lost") == 1
    assert pulled(tmp_path, tasks=("classify",)) == 1


def test_an_unknown_model_is_named_with_those_that_exist(
    catalogue: list[Manifest], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="no model dream; it has: lost@1, small@1, other@1"):
        pulled(tmp_path, "dream")


def test_models_by_name_alone_are_listed_and_not_verified_until_they_are_there(
    catalogue: list[Manifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, good, other = catalogue
    order = commands.Order(tmp_path, "")
    commands.list_models(order, ["classify"])
    assert f"{other.reference} " in capsys.readouterr().out
    pulled(tmp_path, good.name, other.name)
    (tmp_path / other.folder / "net.bin").write_bytes(b"x")
    capsys.readouterr()
    assert commands.verify(order, ["classify"]) == 1
    shown = capsys.readouterr().out
    assert f"{good.reference}: all files are right" in shown
    assert f"{other.reference}: delete" in shown
    assert "lost@1: run `make models`" in shown


def test_each_task_has_one_default_and_each_reference_is_unique() -> None:
    every = load_catalogue()
    defaults = [model.task for model in every if model.default]
    assert len(defaults) == len(set(defaults))
    assert {model.task for model in every} == set(defaults)
    assert all(default_model(task).default for task in defaults)
    assert len({(model.task, model.reference) for model in every}) == len(every)
