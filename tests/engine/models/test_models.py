"""Models on their real weights: known answers, checks at load, sessions in threads."""

import dataclasses
import json
import shutil
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import ModelUnavailable
from common.tasks import contracts
from engine.models.catalogue import Manifest, Tensor, default_model, load_catalogue
from engine.models.defaults import choose
from engine.models.labels import load_imagenet
from engine.models.litert import LiteRtModel, open_model
from engine.models.loader import load
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.models.tensors import fits
from engine.models.verification import MANIFEST
from tests.engine.models.small import manifest
from tests.support.images.model_inputs import classifier_input

KNOWN = {
    "cat_720p.jpg": "Egyptian cat",
    "grace_hopper.bmp": "military uniform",
    "parrot.jpg": "macaw",
    "sunflower.bmp": "daisy",
    "dog_segmentation.bmp": "Samoyed",
    "pets.jpg": "Boston bull",
}


@pytest.fixture
def own_copy(model_dir: Path, tmp_path: Path) -> Path:
    """A MODEL_DIR that a test may damage."""
    shutil.copytree(model_dir, tmp_path, dirs_exist_ok=True)
    return tmp_path


def classifier_in(model_dir: Path) -> Path:
    return model_dir / default_model("classify").folder


def squares(photographs: Mapping[str, bytes]) -> list[Any]:
    return [classifier_input(photographs[name]) for name in KNOWN]


def test_the_classifier_gives_the_known_answers(
    model_dir: Path, photographs: Mapping[str, bytes]
) -> None:
    outputs = load("classify", model_dir).session().run(squares(photographs))
    labels = load_imagenet()
    assert [labels[int(each[1:].argmax())].name for each in outputs] == list(KNOWN.values())


def test_scores_are_probabilities(model_dir: Path, photographs: Mapping[str, bytes]) -> None:
    for output in load("classify", model_dir).session().run(squares(photographs)):
        assert output.shape == (1001,)
        assert output.dtype == np.float32
        assert output.min() >= 0
        assert output.sum() == pytest.approx(1, abs=0.25)  # rounded to 1/256 each, small ones to 0


def test_an_output_outlives_the_next_run(model_dir: Path) -> None:
    session = load("classify", model_dir).session()
    black, white = np.zeros((224, 224, 3), np.uint8), np.full((224, 224, 3), 255, np.uint8)
    [first] = session.run([black])
    kept = first.copy()
    [other] = session.run([white])
    assert (first == kept).all()
    assert (first != other).any()


def test_sessions_in_two_threads_answer_as_one_does(
    model_dir: Path, photographs: Mapping[str, bytes]
) -> None:
    model = load("classify", model_dir)
    batch = squares(photographs)
    alone = np.stack(model.session().run(batch))
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(model.session().run, batch * 5) for _ in range(2)]
        for done in runs:
            assert (np.stack(done.result(60)) == np.tile(alone, (5, 1))).all()


@pytest.mark.parametrize("listed", load_catalogue(), ids=lambda each: each.reference)
def test_every_file_of_the_catalogue_is_as_it_says(
    listed: Manifest, mirror: str, tmp_path: Path
) -> None:
    pull(listed, tmp_path, mirror, Lines())
    model = load(listed.task, tmp_path, listed.reference)
    assert model.manifest == listed
    item = [np.zeros(each.item_shape, np.uint8) for each in listed.inputs]
    [outputs] = model.session().run_all([item])
    for found, expected in zip(outputs, listed.outputs, strict=True):
        assert fits(expected.shape[1:], found.shape)


def test_every_task_that_loads_a_model_has_one() -> None:
    modules = {task: import_module(f"engine.tasks.{task}") for task in contracts()}
    loading = {task for task, module in modules.items() if hasattr(module, "load")}
    assert {"classify", "embed"} <= loading <= {model.task for model in load_catalogue()}


def test_the_identity_says_what_a_result_was_made_with() -> None:
    identity = default_model("classify").identity
    assert set(identity) == {
        "name", "version", "sha256", "runtime", "preprocessing", "licence", "source"
    }  # fmt: skip
    assert all(isinstance(value, str) and value for value in identity.values())
    json.dumps(identity)


def test_several_files_have_one_hash() -> None:
    one = manifest("x", a=b"1", b=b"2").sha256
    assert one not in {manifest("x", a=b"1", b=b"3").sha256, manifest("x", a=b"1", c=b"2").sha256}


def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        load("classify", tmp_path)
    assert str(default_model("classify").folder) in caught.value.detail
    assert "make models" in caught.value.detail
    assert str(tmp_path) not in caught.value.detail


def test_a_task_that_the_catalogue_does_not_know_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no model for `dream`"):
        load("dream", tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"source": 1}', "\udcff"])
def test_a_broken_manifest_is_no_model(text: str, own_copy: Path) -> None:
    said = text.encode(errors="surrogateescape")
    (classifier_in(own_copy) / MANIFEST).write_bytes(said)
    with pytest.raises(ModelUnavailable, match="not installed"):
        load("classify", own_copy)


def test_a_damaged_file_is_not_loaded(own_copy: Path) -> None:
    [weights] = classifier_in(own_copy).glob("*.tflite")
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ModelUnavailable, match="damaged"):
        load("classify", own_copy)


def changed(model_dir: Path, **changes: object) -> str:
    """A model like the catalogue's with another manifest; returns its reference."""
    original = default_model("classify")
    other = dataclasses.replace(original, version="changed", **changes)  # type: ignore[arg-type]
    shutil.copytree(model_dir / original.folder, model_dir / other.folder)
    (model_dir / other.folder / MANIFEST).write_text(other.dump())
    return other.reference


@pytest.mark.parametrize(
    ("place", "tensor"),
    [
        ("input", Tensor(shape=(1, 192, 192, 3), dtype="uint8")),
        ("input", Tensor(shape=(1, 224, 224, 3), dtype="float32")),
        ("output", Tensor(shape=(1, 1000), dtype="uint8")),
        ("output", Tensor(shape=(1, 1001), dtype="int8")),
        ("output", Tensor(shape=(1, 1001), dtype="uint8", scale=0.5)),
    ],
)
def test_a_file_that_is_not_what_its_manifest_says_is_refused(
    place: str, tensor: Tensor, own_copy: Path
) -> None:
    model = load("classify", own_copy, changed(own_copy, **{place: tensor}))
    with pytest.raises(ModelUnavailable, match=f"The {place} of .* model.json describes"):
        model.session()


@pytest.mark.parametrize("runtime", ["abacus", "pull", "savedmodel"])
def test_a_runtime_that_is_not_here_is_named(
    runtime: str, own_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where TensorFlow is not installed.
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.delitem(sys.modules, "engine.models.savedmodel", raising=False)
    reference = changed(own_copy, runtime=runtime)
    with pytest.raises(ModelUnavailable, match=runtime):
        load("classify", own_copy, reference)


@pytest.mark.parametrize("reference", [None, default_model("classify").reference])
def test_a_model_of_the_catalogue_is_compared_with_the_catalogue(
    reference: str | None, own_copy: Path
) -> None:
    """Other weights and a model.json that vouches for them are not the catalogue's model."""
    folder, model = classifier_in(own_copy), default_model("classify")
    first, *others = model.files
    weights = b"other weights"
    (folder / first.name).write_bytes(weights)
    own = dataclasses.replace(first, size=len(weights), sha256=sha256(weights).hexdigest())
    lying = dataclasses.replace(model, files=(own, *others))
    (folder / MANIFEST).write_text(lying.dump())
    with pytest.raises(ModelUnavailable, match="incomplete or damaged"):
        load("classify", own_copy, reference)
    assert choose("classify", own_copy, reference) == model


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.bin").write_bytes(b"text")
    described: Manifest = manifest("x")
    model = open_model(tmp_path, described)
    assert isinstance(model, LiteRtModel)
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        model.session()
