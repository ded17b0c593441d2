"""Vectors of real photographs: alike is near, and what the row keeps is told on demand alone."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.errors import InputFault, ModelUnavailable
from common.settings import Settings
from common.tasks import contract
from common.tasks.embed import to_public, vector_bytes
from engine.models.catalogue import default_model
from engine.models.progress import Lines
from engine.models.pull import pull
from engine.tasks.embed import EmbedRunner, open_runner, to_length_1
from tests.support.images.made_photographs import make
from tests.support.images.pictures import encode, picture

pytestmark = pytest.mark.slow

CAT, HOT_DOG, MASK = "cat_720p.jpg", "hot_dog.jpg", "dog_segmentation_mask.bmp"
COUNT = 10  # photographs made of each original


@pytest.fixture(scope="module")
def work(mirror: str, tmp_path_factory: pytest.TempPathFactory) -> EmbedRunner:
    folder = tmp_path_factory.mktemp("extractor")
    pull(default_model("embed"), folder, mirror, Lines())
    return open_runner(Settings.from_env({"MODEL_DIR": str(folder)}))


def results(work: EmbedRunner, files: Sequence[bytes]) -> list[dict[str, Any]]:
    return work.run([work.prepare(data, {}) for data in files], [{}] * len(files))


def vectors(work: EmbedRunner, files: Sequence[bytes]) -> Any:
    """float32 [files, 1024]."""
    return np.stack([np.frombuffer(vector_bytes(each), "<f4") for each in results(work, files)])


@pytest.fixture(scope="module")
def classes(work: EmbedRunner, photographs: Mapping[str, bytes]) -> dict[str, Any]:
    """The vectors of photographs made of each original: cropped, turned, lit and coloured anew."""
    found = {}
    for name in set(photographs) - {MASK}:
        original = Image.open(io.BytesIO(photographs[name])).convert("RGB")
        made = [make([original], seed, 0.4) for seed in range(COUNT)]
        found[name] = vectors(work, made)
    return found


def test_cats_are_nearer_to_cats_than_to_hot_dogs(classes: Mapping[str, Any]) -> None:
    cats, hot_dogs = classes[CAT], classes[HOT_DOG]
    assert (cats @ cats.T).min() > (cats @ hot_dogs.T).max() + 0.05


def test_cats_are_nearer_to_cats_than_to_anything_else(classes: Mapping[str, Any]) -> None:
    cats = classes[CAT]
    nearest_other = max((cats @ classes[name].T).max() for name in classes if name != CAT)
    assert (cats @ cats.T).min() > nearest_other


def test_the_nearest_of_each_is_of_its_own_class(classes: Mapping[str, Any]) -> None:
    everything = np.concatenate(list(classes.values()))
    nearness = everything @ everything.T
    np.fill_diagonal(nearness, -1)
    own = np.arange(len(everything)) // COUNT == nearness.argmax(axis=1) // COUNT
    assert own.mean() >= 0.95


def test_vectors_are_1024_float32_of_length_1(classes: Mapping[str, Any]) -> None:
    for found in classes.values():
        assert found.shape == (COUNT, 1024)
        assert found.dtype == np.float32
        assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_batch_answers_in_order_as_one_by_one(
    work: EmbedRunner, photographs: Mapping[str, bytes]
) -> None:
    files = [photographs[name] for name in (CAT, HOT_DOG, CAT)]
    together = results(work, files)
    assert together == [results(work, [data])[0] for data in files]
    assert together[0] == together[2] != together[1]


def test_the_row_always_keeps_the_vector_and_callers_get_it_on_demand(work: EmbedRunner) -> None:
    [stored] = results(work, [encode(picture(), "PNG")])
    kept = np.frombuffer(vector_bytes(json.loads(json.dumps(stored))), "<f4")
    assert len(json.dumps(stored)) < 5600  # bytes of the row
    defaults = contract("embed").check_params({})
    assert to_public(stored, defaults) == {"dimensions": 1024}
    told = to_public(stored, contract("embed").check_params({"vector": True}))
    assert set(told) == {"dimensions", "vector"}
    assert (np.array(told["vector"], np.float32) == kept).all()  # to the last bit


@pytest.mark.parametrize("wrong", [{"vector": "yes"}, {"vector": 1.5}, {"vectors": True}])
def test_wrong_params_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputFault):
        contract("embed").check_params(wrong)


def test_a_vector_of_nothing_stays_a_vector() -> None:
    assert (to_length_1(np.zeros(4, np.float32)) == 0).all()
    huge = np.full(4, 3e38, np.float32)
    assert np.linalg.norm(to_length_1(huge)) == pytest.approx(1, abs=1e-6)


def test_without_its_model_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="make models"):
        open_runner(Settings.from_env({"MODEL_DIR": str(tmp_path)}))
