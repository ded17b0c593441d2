"""The SavedModel runtime (`tensorflow`): folders written by TensorFlow, on CPUs and GPUs.

It is imported when such a model is opened, because TensorFlow takes seconds to import and half a
gigabyte. Its threads belong to the process, independent of the number of sessions, so all sessions
of a model share its weights.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import LOGITS, Manifest, Tensor

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


class Networks:
    """The loaded networks, each loaded once and released with its last session."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakValueDictionary[tuple[Path, str, str], Network] = WeakValueDictionary()

    def get(self, folder: Path, manifest: Manifest) -> Network:
        """Return the network in `folder`; raises ModelUnavailable if it cannot be loaded."""
        key = (folder, manifest.sha256, manifest.signature)
        with self._lock:
            network = self._open.get(key)
            if network is None:
                network = self._open[key] = open_network(folder, manifest.signature)
            return network


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
        return SavedModelSession(network, manifest)


class SavedModelSession:
    """A network with the meaning of its input and output; see `engine.models.loader.Session`."""

    def __init__(self, network: Network, manifest: Manifest):
        self._network = network
        self._input, self._output = manifest.input, manifest.output
        self._limit = 1 if manifest.input.shape[0] == 1 else LIMIT

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run calls of at most LIMIT images."""
        return [
            output
            for first in range(0, len(batch), self._limit)
            for output in self._call(np.stack(batch[first : first + self._limit]))
        ]

    def _call(self, pixels: NDArray[Any]) -> NDArray[Any]:
        tensor = self._input
        numbers = pixels.astype(tensor.dtype, copy=False)
        if tensor.scale:
            kind = np.dtype(tensor.dtype).type
            numbers = (numbers - kind(tensor.zero_point)) * kind(tensor.scale)
        outputs = self._network.call(**{tensor.name: tf.constant(numbers)})
        return _real(outputs[self._output.name].numpy(), self._output)


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
    if tensor and tensor.dtype == expected.dtype and _fits(tensor.shape, expected.shape):
        return
    raise ModelUnavailable(
        f"{what} is {_described(found)}; its model.json describes {_described({'': expected})}."
    )


def _fits(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Return whether the shapes agree; a side that the network leaves open may have any expected
    length.
    """
    return len(found) == len(expected) and all(
        a in (ANY, b) for a, b in zip(found, expected, strict=True)
    )


def _described(tensors: Mapping[str, Tensor]) -> str:
    return " and ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in tensors.values())


def _real(values: NDArray[Any], meaning: Tensor) -> NDArray[Any]:
    """Return the values that the output represents: probabilities for logits, scaled numbers, or
    itself.
    """
    if meaning.meaning == LOGITS:
        # Subtract the largest value, so that no power overflows.
        powers = np.exp(values.astype(np.float32) - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if meaning.scale:
        return (values.astype(np.float32) - meaning.zero_point) * np.float32(meaning.scale)
    return values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values
