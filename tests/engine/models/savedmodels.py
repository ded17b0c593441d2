"""A real SavedModel for tests, and photographs for it; they need TensorFlow."""

import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.photographs import make_photographs, read_all
from engine.models.add import add
from engine.models.loader import Model, load
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from tests.support.images.model_inputs import classifier_input
from tests.support.servers.backends import missing

FOLDER = "mobilenet_v2_100_224"
REFERENCE = f"{FOLDER}@float"
PHOTOGRAPHS = 100


@pytest.fixture(scope="module", autouse=True)
def tensorflow() -> None:
    if not (find_spec("tensorflow") and find_spec("tensorflow_hub")):
        missing("TensorFlow is not installed: make tensorflow")


@pytest.fixture(scope="module")
def folder(mirror: str) -> Path:
    """The SavedModel as TensorFlow wrote it."""
    found = Path(mirror) / FOLDER
    return found if found.is_dir() else missing(f"there is no folder {found}")


@pytest.fixture(scope="module")
def with_both(folder: Path, model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A MODEL_DIR with the default classifier, and the SavedModel as version `float`."""
    both = tmp_path_factory.mktemp("both")
    shutil.copytree(model_dir, both, dirs_exist_ok=True)
    add("classify", str(folder), ModelDescription(version="float"), both, Lines())
    return both


@pytest.fixture(scope="module")
def model(with_both: Path) -> Model:
    return load("classify", with_both, REFERENCE)


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory, photographs: Mapping[str, bytes]) -> Any:
    """Photographs as cameras give them, made of the real ones; uint8 [224, 224, 3] each."""
    given, made = tmp_path_factory.mktemp("given"), tmp_path_factory.mktemp("made")
    for name, data in photographs.items():
        (given / name).write_bytes(data)
    make_photographs(given, made, PHOTOGRAPHS, seed=1)
    return [classifier_input(data) for data in read_all(made)]
