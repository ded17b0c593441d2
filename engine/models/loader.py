"""From an installed model's folder to something that predicts."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest, default_model
from engine.models.installed import damage, read_manifest


class Session(Protocol):
    """A model ready to run. Not for two threads at once: each worker has a session of its own."""

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The output of each input, in order.

        Shapes are the manifest's without the batch axis. Inputs have the manifest's dtype; outputs
        that stand for real numbers come as float32, others, such as class indices, as they are.
        """


class Model(Protocol):
    """An installed model, checked; any number of sessions can be made of it."""

    manifest: Manifest

    def session(self) -> Session:
        """A session on one thread. Raises ModelUnavailable when the file is not what the manifest
        says.
        """


def load(task: str, model_dir: Path) -> Model:
    """The default model of `task`. Raises ModelUnavailable, saying what to do.

    Every byte is compared with its sha256 first (1 ms a MB): a runtime given a damaged file may
    answer nonsense or crash. The messages name folders within MODEL_DIR: users get to read them.
    """
    manifest = _installed(task, model_dir)
    if damage(manifest, model_dir / manifest.folder):
        raise ModelUnavailable(
            f"The model of `{task}`, {manifest.folder} in MODEL_DIR, is incomplete or damaged: "
            "delete that folder and run `make models`."
        )
    try:
        runtime = importlib.import_module(f"engine.models.{manifest.runtime}")
    except ImportError as error:
        raise ModelUnavailable(
            f"The model of `{task}` needs the runtime `{manifest.runtime}`, "
            "which is not installed here."
        ) from error
    model: Model = runtime.open_model(model_dir / manifest.folder, manifest)
    return model


def _installed(task: str, model_dir: Path) -> Manifest:
    try:
        folder = default_model(task).folder
    except KeyError:
        raise ModelUnavailable(f"The catalogue has no model for `{task}`.") from None
    try:
        return read_manifest(model_dir / folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The model of `{task}` is not installed: there is no {folder} in MODEL_DIR. "
            "Run `make models`."
        ) from error
