"""From an installed model's folder to something that predicts."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest
from engine.models.defaults import choose
from engine.models.verification import damage

RUNTIMES = ("litert", "savedmodel")
_REMEDY = {"savedmodel": ": pip install 'afterimage[tensorflow]'"}


class Session(Protocol):
    """A model ready to run. Not for two threads at once: each worker has a session of its own."""

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """The output of each input, in order.

        Inputs are pixels, uint8 in the manifest's shape without the batch axis: what a model of
        floats wants of them is the runtime's business. Outputs, without the batch axis as well,
        are float32 where they stand for real numbers (of logits: the probabilities); others, such
        as class indices, come as they are.
        """


class Model(Protocol):
    """An installed model, checked; any number of sessions can be made of it."""

    manifest: Manifest
    batches: bool  # whether a batch costs less than its items one by one

    def session(self) -> Session:
        """A session on one thread. Raises ModelUnavailable when the file is not what the manifest
        says.
        """


def load(task: str, model_dir: Path, reference: str | None = None) -> Model:
    """The model of `task` that `reference` (name@version) names, else the task's default. Raises
    ModelUnavailable, saying what to do.

    Every byte is compared with its sha256 first (1 ms a MB): a runtime given a damaged file may
    answer nonsense or crash. The messages name folders within MODEL_DIR: users get to read them.
    """
    manifest = choose(task, model_dir, reference)
    if damage(manifest, model_dir / manifest.folder):
        raise ModelUnavailable(
            f"The model of `{task}`, {manifest.folder} in MODEL_DIR, is incomplete or damaged: "
            "delete that folder and run `make models`."
        )
    return open_folder(model_dir / manifest.folder, manifest)


def open_folder(folder: Path, manifest: Manifest) -> Model:
    """The model in `folder`, whose files are right; raises ModelUnavailable when its runtime is not
    installed.
    """
    try:
        if manifest.runtime not in RUNTIMES:
            raise ImportError(manifest.runtime)
        runtime = importlib.import_module(f"engine.models.{manifest.runtime}")
    except ImportError as error:
        raise ModelUnavailable(
            f"The model of `{manifest.task}` needs the runtime `{manifest.runtime}`, "
            f"which is not installed here{_REMEDY.get(manifest.runtime, '')}."
        ) from error
    model: Model = runtime.open_model(folder, manifest)
    return model
