"""Several versions side by side: which one answers, how that is changed, and what `add` takes."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.errors import ModelUnavailable, SettingsError
from engine.models.add import add
from engine.models.catalogue import Manifest, default_model
from engine.models.defaults import DEFAULTS, InstalledModels, choose, defaults_version, set_default
from engine.models.loader import load
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from engine.models.verification import MANIFEST, installed
from engine.runner_cache import NAMED, RunnerCache
from engine.tasks import TaskRunner
from tests.engine.models.test_pull_processes import run

pytestmark = pytest.mark.slow
TWIN = "mobilenet_v2_1.0_224@twin"


def twin_of(model_dir: Path, version: str = "twin") -> Manifest:
    """A second version of the classifier, beside the catalogue's."""
    original = default_model("classify")
    twin = dataclasses.replace(original, version=version)
    shutil.copytree(model_dir / original.folder, model_dir / twin.folder)
    (model_dir / twin.folder / MANIFEST).write_text(twin.dump())
    return twin


@pytest.fixture
def two(model_dir: Path, tmp_path: Path) -> Path:  # a MODEL_DIR with two versions
    folder = tmp_path / "two"
    shutil.copytree(model_dir, folder)
    twin_of(folder)
    return folder


def test_without_a_choice_the_catalogues_model_answers(two: Path) -> None:
    assert choose("classify", two) == default_model("classify")
    assert load("classify", two).manifest.reference == default_model("classify").reference


def test_a_version_can_benamed(two: Path) -> None:
    assert load("classify", two, TWIN).manifest.version == "twin"
    assert set(installed("classify", two)) == {TWIN, default_model("classify").reference}


def test_the_default_can_be_set_and_set_back(two: Path) -> None:
    set_default("classify", TWIN, two)
    assert load("classify", two).manifest.version == "twin"
    set_default("classify", default_model("classify").reference, two)
    assert load("classify", two).manifest == default_model("classify")


def test_each_change_gives_another_stamp(two: Path) -> None:
    stamps = [defaults_version(two)]
    for reference in (TWIN, default_model("classify").reference, TWIN):
        set_default("classify", reference, two)
        stamps.append(defaults_version(two))
    assert stamps[0] is None
    assert len(set(stamps)) == len(stamps)


@pytest.mark.parametrize("reference", ["nothing@1", "mobilenet_v2_1.0_224", "../x@1", "@", "é@1"])
def test_what_is_not_installed_is_not_chosen(reference: str, two: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"is not installed; installed: .*twin"):
        set_default("classify", reference, two)
    with pytest.raises(ModelUnavailable, match="is not installed"):
        load("classify", two, reference)
    assert defaults_version(two) is None


def test_a_damaged_model_does_not_become_the_default(two: Path) -> None:
    [weights] = (two / "classify" / "mobilenet_v2_1.0_224" / "twin").glob("*.tflite")
    weights.write_bytes(b"x" * weights.stat().st_size)
    with pytest.raises(ModelUnavailable, match="cannot be the default"):
        set_default("classify", TWIN, two)
    assert load("classify", two).manifest == default_model("classify")


@pytest.mark.parametrize("text", ["", "[]", "{", "\udcff"])
def test_a_broken_choice_is_told_not_guessed(text: str, two: Path) -> None:
    (two / DEFAULTS).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelUnavailable, match=DEFAULTS):
        load("classify", two)


def test_a_folder_that_another_models_manifest_is_in_is_no_model(two: Path) -> None:
    moved = two / "classify" / "other" / "1"
    shutil.copytree(two / "classify" / "mobilenet_v2_1.0_224" / "twin", moved)
    assert "other@1" not in installed("classify", two)
    assert len(installed("classify", two)) == 2


def test_the_shelf_notices_what_comes_and_goes(two: Path) -> None:
    shelf = InstalledModels("classify", two)
    assert {each["version"] for each in shelf.identities()} == {"tf2-ptq", "twin"}
    assert shelf.identities() is shelf.identities()  # nothing changed, nothing read
    twin_of(two, "third")
    assert {each["version"] for each in shelf.identities()} == {"tf2-ptq", "twin", "third"}
    shutil.rmtree(two / "classify" / "mobilenet_v2_1.0_224" / "twin")
    assert {each["version"] for each in shelf.identities()} == {"tf2-ptq", "third"}
    assert InstalledModels("dream", two).identities() == []


# ---- what a worker has open


class Opening:
    """Opens works that are only told apart, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.is_broken = False
        self.stamp = 0

    def __call__(self, reference: str | None) -> TaskRunner:
        self.asked.append(reference)
        if self.is_broken:
            raise ModelUnavailable("broken")
        work: TaskRunner = Named(reference or f"default {self.stamp}")
        return work


@dataclasses.dataclass
class Named:
    name: str
    model: dict[str, str] = dataclasses.field(default_factory=dict)
    prepare: Callable[..., None] = lambda *_: None
    run: Callable[..., list[dict[str, str]]] = lambda *_: []


@pytest.fixture
def opening() -> Opening:
    return Opening()


@pytest.fixture
def works(opening: Opening) -> RunnerCache:
    return RunnerCache(opening, lambda: opening.stamp)


def test_the_default_is_opened_once_until_it_changes(opening: Opening, works: RunnerCache) -> None:
    first = works.of(None)
    assert works.default() is first
    opening.stamp += 1
    assert works.default() is not first
    assert works.default() is works.of(None)
    assert opening.asked == [None, None]


def test_a_new_default_that_is_broken_leaves_the_old_one(
    opening: Opening, works: RunnerCache
) -> None:
    first = works.default()
    opening.is_broken, opening.stamp = True, 1
    assert works.default() is works.default() is first
    assert len(opening.asked) == 2  # not tried at every batch
    opening.is_broken, opening.stamp = False, 2
    assert works.default() is not first


def test_without_a_default_it_is_tried_each_time(opening: Opening, works: RunnerCache) -> None:
    opening.is_broken = True
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            works.default()
    opening.is_broken = False
    works.default()
    assert len(opening.asked) == 4


def test_the_last_named_models_stay_open(opening: Opening, works: RunnerCache) -> None:
    names = [f"m@{number}" for number in range(NAMED + 1)]
    for name in [*names[:NAMED], names[0], names[NAMED], names[0]]:
        works.of(name)
    assert opening.asked == names  # the first was used again, so the second had to go
    works.of(names[1])
    assert opening.asked[-1] == names[1]


# ---- the command line


def test_the_command_adds_a_folder_and_sets_the_default(two: Path, tmp_path: Path) -> None:
    place = {"MODEL_DIR": str(tmp_path / "new")}
    source = two / "classify" / "mobilenet_v2_1.0_224" / "twin"
    added = run("add", "classify", str(source), **place)
    assert (added.returncode, added.stderr) == (0, "") or "XNNPACK" in added.stderr
    assert f"default classify {TWIN}" in added.stdout
    assert run("add", "classify", str(source), **place).returncode == 0  # it is there already
    unset = run("default", "classify", **place)
    assert unset.returncode == 1
    assert "not installed" in unset.stderr
    done = run("default", "classify", TWIN, **place)
    assert (done.returncode, done.stdout) == (0, f"classify: {TWIN} is the default\n")
    assert json.loads((tmp_path / "new" / DEFAULTS).read_text()) == {"classify": TWIN}
    lines = run("list", "--task", "classify", **place).stdout.splitlines()
    [default] = [line for line in lines if line.endswith("installed, default")]
    assert TWIN in default
    assert any(line.endswith("not installed") for line in lines)
    verified = run("verify", "--task", "classify", **place)
    assert f"{TWIN}: all files are right" in verified.stdout
    assert verified.returncode == 1  # the catalogue's is missing


def test_another_model_of_the_same_name_and_version_is_refused(
    two: Path, model_dir: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(two / "classify" / "mobilenet_v2_1.0_224" / "twin", other)
    said = json.loads((other / MANIFEST).read_text()) | {"licence": "MIT"}
    (other / MANIFEST).write_text(json.dumps(said))
    with pytest.raises(ModelUnavailable, match="another --version"):
        add("classify", str(other), ModelDescription(), two, Lines())


def test_what_is_not_right_is_not_added(two: Path, tmp_path: Path) -> None:
    source = two / "classify" / "mobilenet_v2_1.0_224" / "twin"
    with pytest.raises(ModelUnavailable, match="does not describe a model for `embed`"):
        add("embed", str(source), ModelDescription(), tmp_path, Lines())
    with pytest.raises(ModelUnavailable, match=r"neither model\.json nor saved_model\.pb"):
        add("classify", str(tmp_path), ModelDescription(), tmp_path, Lines())
    next(source.glob("*.tflite")).unlink()
    with pytest.raises(ModelUnavailable, match="is missing"):
        add("classify", str(source), ModelDescription(), tmp_path, Lines())
    assert list(tmp_path.glob("classify/*")) == []


def test_a_name_that_no_request_could_spell_is_refused(two: Path, tmp_path: Path) -> None:
    from engine.models.manifest_from_signature import named

    unnamed = ModelDescription()
    assert named("https://hub.example/g/mobilenet_v2/5", unnamed) == ("mobilenet_v2", "5")
    assert named("https://hub.example/m.tar.gz?x=1", unnamed) == ("m", "1")
    assert named("/data/my_net/", ModelDescription(version="b")) == ("my_net", "b")
    invalid: list[dict[str, Any]] = [
        {"name": "a b"}, {"version": "../x"}, {"name": "a@b"}, {"version": "-"}
    ]  # fmt: skip
    for values in invalid:
        wrong = ModelDescription(**values)
        with pytest.raises(SettingsError, match="is not a valid name"):
            named("/data/net", wrong)
