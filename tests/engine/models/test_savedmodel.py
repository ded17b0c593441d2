"""SavedModels through TensorFlow: the same answers, whole batches, and plain words at load."""

import dataclasses
import gc
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from engine.models.add import add
from engine.models.catalogue import Manifest, Tensor
from engine.models.loader import Model, load
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from engine.tasks.classify import open_runner
from tests.engine.models.savedmodels import FOLDER, PHOTOGRAPHS, REFERENCE
from tests.engine.models.savedmodels import folder as folder
from tests.engine.models.savedmodels import model as model
from tests.engine.models.savedmodels import squares as squares
from tests.engine.models.savedmodels import tensorflow as tensorflow
from tests.engine.models.savedmodels import with_both as with_both
from tests.engine.models.test_models import KNOWN

LEAST = 96  # of the photographs


def test_the_top_label_is_that_of_the_int8_file(
    with_both: Path, model: Model, squares: list[Any]
) -> None:
    small = load("classify", with_both).session().run(squares)
    large = model.session().run(squares)
    same = sum(a[1:].argmax() == b[1:].argmax() for a, b in zip(small, large, strict=True))
    assert len(small) == len(large) == PHOTOGRAPHS
    assert same >= LEAST


def test_the_task_gives_the_known_answers(
    with_both: Path, photographs: Mapping[str, bytes]
) -> None:
    work = open_runner(Settings.from_env({"MODEL_DIR": str(with_both)}), REFERENCE)
    params = contract("classify").check_params({})
    inputs = [work.prepare(photographs[name], params) for name in KNOWN]
    results = work.run(inputs, [params] * len(inputs))
    assert [each["labels"][0]["name"] for each in results] == list(KNOWN.values())
    assert work.batches
    assert work.model["version"] == "float"


def test_more_than_a_batch_answers_in_order_as_one_by_one(model: Model, squares: list[Any]) -> None:
    session = model.session()
    batch = squares[:40]  # more than run at once
    together = np.stack(session.run(batch))
    alone = np.stack([session.run([each])[0] for each in batch])
    assert together.shape == (40, 1001)
    assert together == pytest.approx(alone, abs=1e-3)
    assert together.dtype == np.float32
    assert together.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_sessions_share_the_weights_and_the_last_one_frees_them(with_both: Path) -> None:
    from engine.models.savedmodel import Networks

    networks = Networks()
    manifest = load("classify", with_both, REFERENCE).manifest
    place = with_both / manifest.folder
    first, second = networks.get(place, manifest), networks.get(place, manifest)
    assert first is second
    assert len(networks._open) == 1
    del first, second
    gc.collect()
    assert len(networks._open) == 0


def test_threads_are_bounded_by_the_cores(model: Model) -> None:
    import tensorflow as tf

    model.session()
    cores = len(os.sched_getaffinity(0))
    assert tf.config.threading.get_intra_op_parallelism_threads() == cores
    assert 0 < tf.config.threading.get_inter_op_parallelism_threads() <= cores


def opened(model: Model, folder: Path, **changes: Any) -> Any:
    from engine.models.savedmodel import open_model

    manifest: Manifest = dataclasses.replace(model.manifest, **changes)
    return open_model(folder, manifest).session()


def tensor(like: Tensor, **changes: Any) -> Tensor:
    return dataclasses.replace(like, **changes)


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("input", {"name": "pixels"}),
        ("input", {"shape": (-1, 192, 192, 3)}),
        ("input", {"shape": (-1, 3, 224, 224)}),
        ("input", {"dtype": "uint8"}),
        ("output", {"name": "probabilities"}),
        ("output", {"shape": (-1, 1000)}),
        ("output", {"dtype": "float16"}),
    ],
)
def test_a_signature_that_is_not_the_manifests_is_refused(
    place: str, changes: dict[str, Any], model: Model, folder: Path
) -> None:
    wrong = tensor(getattr(model.manifest, place), **changes)
    with pytest.raises(ModelUnavailable) as caught:
        opened(model, folder, **{place: wrong})
    said = caught.value.detail
    assert said.startswith(f"The {place} of classify/{FOLDER}/float is")
    assert "images float32 [-1, 224, 224, 3]" in said or "logits float32 [-1, 1001]" in said
    assert f"model.json describes {wrong.name} {wrong.dtype} {list(wrong.shape)}" in said


def test_a_signature_that_is_not_there_is_named(model: Model, folder: Path) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        opened(model, folder, signature="train")
    assert "no signature train; its signatures: serving_default" in caught.value.explained


def test_a_batch_of_one_may_be_asked_for(model: Model, folder: Path, squares: list[Any]) -> None:
    fixed = tensor(model.manifest.input, shape=(1, 224, 224, 3))
    expected = model.session().run(squares[:3])
    assert np.stack(opened(model, folder, input=fixed).run(squares[:3])) == pytest.approx(
        np.stack(expected), abs=1e-3
    )


def test_what_is_no_savedmodel_is_refused(tmp_path: Path, with_both: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"text")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        add("classify", str(tmp_path), ModelDescription(name="x"), with_both, Lines())
    assert not (with_both / "classify" / "x").exists()
