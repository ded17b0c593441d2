"""Load an installed model from its folder."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest
from engine.models.defaults import choose
from engine.models.verification import damage

RUNTIMES = ("litert", "onnx", "savedmodel")
CPU = ("CPU",)  # the default of ONNX_PROVIDERS
_REMEDY = {
    "onnx": ": pip install 'afterimage[engine]'",
    "savedmodel": ": pip install 'afterimage[tensorflow]'",
}


class Session(Protocol):
    """A model ready to run, for one thread: each worker has a session of its own."""

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the output of each input, in order.

        Inputs are pixels, uint8 RGB [height, width, 3]; the runtime converts them to the numbers,
        the order of channels and the layout that the manifest describes. Outputs have no batch axis
        either. They are float32 if they represent real numbers (probabilities, if the model returns
        logits); others, such as class indices, are returned unchanged. Of several outputs it is
        the first one.
        """

    def run_all(self, batch: Sequence[Sequence[NDArray[Any]]]) -> list[list[NDArray[Any]]]:
        """Return all outputs of each item, which consists of all inputs, both in the manifest's
        order. Inputs that are no images have the manifest's shape without the batch axis.
        """


@runtime_checkable
class DescribedSession(Session, Protocol):
    """A session of a runtime whose files hold texts about themselves: `onnx`."""

    def read_metadata(self) -> Mapping[str, str]:
        """Return the texts by name; opens the file."""


class Model(Protocol):
    """An installed and verified model, from which any number of sessions can be created."""

    manifest: Manifest
    batches: bool  # whether a batch is faster than its items one by one

    def session(self) -> Session:
        """Return a session for one thread. Raises ModelUnavailable if the file differs from the
        manifest; a runtime that opens the file with the first run raises it then.
        """


def load(
    task: str, model_dir: Path, reference: str | None = None, providers: Sequence[str] = CPU
) -> Model:
    """Return the model of `task` with this reference (name@version), or the task's default. The
    runtime `onnx` runs it on the first of `providers` that can.

    Raises ModelUnavailable with a message about what to do. Every byte is compared with its sha256
    first (1 ms per MB): a runtime that opens a damaged file may return wrong results or crash. The
    messages name folders relative to MODEL_DIR, because callers can read them.
    """
    manifest = choose(task, model_dir, reference)
    if damage(manifest, model_dir / manifest.folder):
        raise ModelUnavailable(
            f"The model of `{task}`, {manifest.folder} in MODEL_DIR, is incomplete or damaged: "
            "delete that folder and run `make models`."
        )
    return open_folder(model_dir / manifest.folder, manifest, providers)


def load_part(
    manifest: Manifest, role: str, model_dir: Path, providers: Sequence[str] = CPU
) -> Model:
    """Return the part with this role of a model that `load` has returned; raises ModelUnavailable
    without it.
    """
    return open_folder(model_dir / manifest.folder, manifest.part(role), providers)


def open_folder(folder: Path, manifest: Manifest, providers: Sequence[str] = CPU) -> Model:
    """Return the model in `folder`, whose files are verified; raises ModelUnavailable if its
    runtime is not installed.
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
    options = (providers,) if manifest.runtime == "onnx" else ()
    model: Model = runtime.open_model(folder, manifest, *options)
    return model
