"""Pulling models: from folders and from a real web server that cuts, lies, or is not there."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

import engine.models.pull as pulling
from engine.models.progress import Lines
from engine.models.pull import PullFailed, pull
from engine.models.verification import damage, is_installed, read_manifest
from tests.engine.models.small import WEIGHTS, assert_installed, manifest, names, nowhere
from tests.support.servers import files
from tests.support.servers.files import Site

HALF = len(WEIGHTS) // 2


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "PAUSE", 0.01)


def test_a_model_is_downloaded_from_its_source(site: Site, tmp_path: Path) -> None:
    model = manifest(site.url)
    folder = pull(model, tmp_path, "", Lines())
    assert folder == tmp_path / "classify" / "small" / "1"
    assert_installed(model, folder)
    assert read_manifest(folder) == model
    assert site.asked == [("/files/net.bin", None)]


def test_a_model_that_is_there_asks_nobody(site: Site, tmp_path: Path) -> None:
    model = manifest(site.url)
    pull(model, tmp_path, "", Lines())
    pull(model, tmp_path, "", Lines())
    assert len(site.asked) == 1


def test_the_mirror_is_asked_first(site: Site, tmp_path: Path) -> None:
    model = manifest(nowhere())
    assert_installed(model, pull(model, tmp_path, site.url + "/", Lines()))


@pytest.mark.parametrize("form", [str, Path.as_uri])
def test_a_folder_can_be_the_mirror(form: Callable[[Path], str], tmp_path: Path) -> None:
    folder = tmp_path / "the mirror"
    folder.mkdir()
    (folder / "net.bin").write_bytes(WEIGHTS)
    model = manifest(nowhere())
    assert_installed(model, pull(model, tmp_path / "models", form(folder), Lines()))


def test_what_the_mirror_lacks_is_downloaded(site: Site, tmp_path: Path) -> None:
    model = manifest(site.url)
    assert_installed(model, pull(model, tmp_path, str(tmp_path / "empty"), Lines()))


def test_files_in_folders_keep_their_place(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "variables").mkdir(parents=True)
    (tmp_path / "mirror" / "variables" / "a.data").write_bytes(WEIGHTS)
    model = manifest(nowhere(), **{"variables/a.data": WEIGHTS})
    folder = pull(model, tmp_path / "models", str(tmp_path / "mirror"), Lines())
    assert (folder / "variables" / "a.data").read_bytes() == WEIGHTS


@pytest.mark.parametrize("cut", [files.cut_in_the_middle, files.cut_without_a_length])
def test_a_download_that_is_cut_goes_on_where_it_stopped(
    cut: files.Fault, site: Site, tmp_path: Path
) -> None:
    site.faults = [cut]
    model = manifest(site.url)
    assert_installed(model, pull(model, tmp_path, "", Lines()))
    assert [wanted for _, wanted in site.asked] == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize("answer", [files.without_range, files.another_range])
def test_a_server_that_does_not_go_on_gives_the_whole_file(
    answer: files.Fault, site: Site, tmp_path: Path
) -> None:
    site.faults = [files.cut_in_the_middle, answer]
    model = manifest(site.url)
    assert_installed(model, pull(model, tmp_path, "", Lines()))


@pytest.mark.parametrize(
    "left", [bytes(HALF), bytes(len(WEIGHTS)), bytes(len(WEIGHTS) + 1), WEIGHTS, b""]
)
def test_whatever_an_earlier_pull_left_the_file_is_right(
    left: bytes, site: Site, tmp_path: Path
) -> None:
    model = manifest(site.url)
    folder = tmp_path / model.folder
    folder.mkdir(parents=True)
    (folder / "net.bin.part").write_bytes(left)
    assert_installed(model, pull(model, tmp_path, "", Lines()))
    assert len(site.asked) == {bytes(HALF): 2, WEIGHTS: 0}.get(left, 1)


def test_a_server_that_has_less_than_is_there_already_is_refused(
    site: Site, tmp_path: Path
) -> None:
    site.files = {"net.bin": WEIGHTS[:100]}
    model = manifest(site.url)
    (tmp_path / model.folder).mkdir(parents=True)
    (tmp_path / model.folder / "net.bin.part").write_bytes(WEIGHTS[:HALF])
    with pytest.raises(PullFailed, match="stopped after"):
        pull(model, tmp_path, "", Lines())
    assert not is_installed(model, tmp_path / model.folder)


@pytest.mark.parametrize("wrong", [files.other_bytes, files.more_bytes])
def test_wrong_bytes_are_refused_at_once(wrong: files.Fault, site: Site, tmp_path: Path) -> None:
    site.faults = [wrong] * 3
    model = manifest(site.url)
    with pytest.raises(PullFailed, match="sha256"):
        pull(model, tmp_path, "", Lines())
    assert len(site.asked) == 1
    assert not is_installed(model, tmp_path / model.folder)
    assert "net.bin" not in names(tmp_path / model.folder)


def test_a_file_that_is_not_there_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    site.files = {}
    with pytest.raises(PullFailed, match="404") as caught:
        pull(manifest(site.url), tmp_path, "", Lines())
    assert len(site.asked) == 1
    assert caught.value.code == "model_unavailable"


def test_a_server_in_trouble_is_asked_three_times(site: Site, tmp_path: Path) -> None:
    site.faults = [files.status(503), files.status(429), files.status(500)]
    with pytest.raises(PullFailed, match=r"500 .*\(3 tries\)"):
        pull(manifest(site.url), tmp_path, "", Lines())
    site.faults = [files.status(503), files.status(502)]
    pull(manifest(site.url), tmp_path, "", Lines())


def test_when_nobody_can_be_reached_the_message_says_what_to_do(tmp_path: Path) -> None:
    mirror, source = nowhere(), nowhere()
    with pytest.raises(PullFailed) as caught:
        pull(manifest(source), tmp_path, mirror.replace("//", "//me:secret@"), Lines())
    said = caught.value.detail
    for part in ("net.bin", mirror, source, "refused", "MODEL_MIRROR"):
        assert part in said
    assert "secret" not in said


def test_a_mirror_of_another_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="must be a folder or"):
        pull(manifest(nowhere()), tmp_path, "ftp://example.org", Lines())


def test_a_folder_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(PullFailed, match="cannot be written to"):
        pull(manifest(site.url), tmp_path / "models", "", Lines())


@pytest.mark.parametrize("harm", [b"", WEIGHTS[:-1]])
def test_an_installed_file_that_lost_bytes_is_pulled_again(
    harm: bytes, site: Site, tmp_path: Path
) -> None:
    model = manifest(site.url)
    folder = pull(model, tmp_path, "", Lines())
    (folder / "net.bin").write_bytes(harm)
    assert_installed(model, pull(model, tmp_path, "", Lines()))


def test_a_model_that_the_catalogue_describes_anew_keeps_its_files(
    site: Site, tmp_path: Path
) -> None:
    pull(manifest(site.url), tmp_path, "", Lines())
    renewed = dataclasses.replace(manifest(site.url), licence="MIT")
    assert_installed(renewed, pull(renewed, tmp_path, "", Lines()))
    assert len(site.asked) == 1


def test_damage_of_the_same_size_is_found_by_reading(site: Site, tmp_path: Path) -> None:
    model = manifest(site.url)
    folder = pull(model, tmp_path, "", Lines())
    (folder / "net.bin").write_bytes(bytes(len(WEIGHTS)))
    assert len(damage(model, folder)) == 1
    (folder / "net.bin").unlink()
    assert damage(model, folder) == [f"{folder / 'net.bin'} is missing"]
