"""The SavedModel runtime (`tensorflow`): folders written by TensorFlow, on CPUs and GPUs.

It is imported when such a model is opened, because TensorFlow takes seconds to import and half a
gigabyte. Its threads belong to the process, independent of the number of sessions, so all sessions
of a model share its weights.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest, Tensor
from engine.models.shared import OpenedOnce
from engine.models.tensors import fits, to_input, to_numbers

LIMIT = 32  # images in one call: more are no faster on CPUs and need more memory
SERVING = "serving_default"
ANY = -1


class Network:
    """A loaded SavedModel: the signature to call, and the object that keeps its variables alive."""

    def __init__(self, folder: Path, signature: str):
        configure()
        self._loaded = tf.saved_model.load(str(folder))
        signatures = self._loaded.signatures
        if signature not in signatures:
            names = ", ".join(signatures) or "none"
            raise ValueError(f"it has no signature {signature}; its signatures: {names}")
        self.call = signatures[signature]
        self.inputs = _specs(self.call.structured_input_signature[1])
        self.outputs = _specs(self.call.structured_outputs)


class Networks(OpenedOnce[Network]):
    """The loaded networks, each loaded once and released with its last session."""

    def get(self, folder: Path, manifest: Manifest) -> Network:
        """Return the network in `folder`; raises ModelUnavailable if it cannot be loaded."""
        key = (folder, manifest.sha256, manifest.signature)
        return self.opened(key, lambda: open_network(folder, manifest.signature))


class SavedModel:
    """A SavedModel with one image input, for one image or any number of them at once."""

    def __init__(self, folder: Path, manifest: Manifest):
        self.manifest = manifest
        self.batches = manifest.input.shape[0] != 1
        self._folder = folder

    def session(self) -> "SavedModelSession":
        """Return a session. Raises ModelUnavailable if the folder cannot be loaded or its signature
        differs from the manifest.
        """
        manifest = self.manifest
        network = _networks().get(self._folder, manifest)
        _check(f"The input of {manifest.folder}", network.inputs, manifest.input)
        _check(f"The output of {manifest.folder}", network.outputs, manifest.output)
        if len(network.inputs) != 1 or manifest.input.shape[0] not in (1, ANY):
            raise ModelUnavailable(
                f"{manifest.folder} has the inputs {_described(network.inputs)}; "
                "only a single input of one image, or of any number of images, is supported."
            )
        if manifest.more_inputs or manifest.more_outputs:
            raise ModelUnavailable(
                f"The model.json of {manifest.folder} describes several inputs or outputs; "
                "a SavedModel can only be used with one of each."
            )
        return SavedModelSession(network, manifest)


class SavedModelSession:
    """A network with the meaning of its input and output; see `engine.models.loader.Session`."""

    def __init__(self, network: Network, manifest: Manifest):
        self._network = network
        self._input, self._output = manifest.input, manifest.output
        self._limit = 1 if manifest.input.shape[0] == 1 else LIMIT

    def run_all(self, batch: Sequence[Sequence[NDArray[Any]]]) -> list[list[NDArray[Any]]]:
        """Run calls of at most LIMIT images; there is one input and one output."""
        return [[output] for output in self.run([image for [image] in batch])]

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run calls of at most LIMIT images."""
        return [
            output
            for first in range(0, len(batch), self._limit)
            for output in self._call(np.stack(batch[first : first + self._limit]))
        ]

    def _call(self, pixels: NDArray[Any]) -> NDArray[Any]:
        numbers = to_input(pixels, self._input)
        outputs = self._network.call(**{self._input.name: tf.constant(numbers)})
        return to_numbers(outputs[self._output.name].numpy(), self._output)


def open_model(folder: Path, manifest: Manifest) -> SavedModel:
    """Return the model in `folder`."""
    return SavedModel(folder, manifest)


def open_network(folder: Path, signature: str) -> Network:
    """Load a SavedModel; raises ModelUnavailable if it cannot be loaded."""
    try:
        return Network(folder, signature or SERVING)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, tf.errors.OpError) as error:
        raise ModelUnavailable(f"The SavedModel {folder.name} cannot be loaded.") from error


@cache
def configure() -> None:
    """Limit TensorFlow's threads to the number of cores, and let it allocate GPU memory as needed
    instead of all at once. It must be called before TensorFlow is first used in the process, hence
    once.
    """
    cores = len(os.sched_getaffinity(0))
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(min(2, cores))
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


@cache
def _networks() -> Networks:
    """Return the networks of the process."""
    return Networks()


def _specs(described: Mapping[str, Any]) -> dict[str, Tensor]:
    """Convert TensorFlow's descriptions of tensors."""
    return {
        name: Tensor(
            name=name,
            shape=tuple(ANY if n is None else n for n in spec.shape.as_list()),
            dtype=spec.dtype.as_numpy_dtype().dtype.name,
        )
        for name, spec in described.items()
    }


def _check(what: str, found: Mapping[str, Tensor], expected: Tensor) -> None:
    tensor = found.get(expected.name)
    if tensor and tensor.dtype == expected.dtype and fits(tensor.shape, expected.shape):
        return
    raise ModelUnavailable(
        f"{what} is {_described(found)}; its model.json describes {_described({'': expected})}."
    )


def _described(tensors: Mapping[str, Tensor]) -> str:
    return " and ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in tensors.values())
