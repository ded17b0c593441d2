"""The SavedModel runtime (`tensorflow`): folders as TensorFlow writes them, on CPUs and GPUs.

Imported only when such a model is opened: TensorFlow takes seconds and half a gigabyte. Its threads
are the process's, however many sessions there are, so all sessions of a model share its weights.
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

MOST = 32  # images in one call: more are no faster on CPUs and need memory
SERVING = "serving_default"
ANY = -1


class Network:
    """A loaded SavedModel: the signature to call and what keeps its variables alive."""

    def __init__(self, folder: Path, signature: str):
        configure()
        self._loaded = tf.saved_model.load(str(folder))
        there = self._loaded.signatures
        if signature not in there:
            raise ValueError(f"its signatures are {', '.join(there) or 'none'}, not {signature}")
        self.call = there[signature]
        self.inputs = _specs(self.call.structured_input_signature[1])
        self.outputs = _specs(self.call.structured_outputs)


class Networks:
    """The networks in use, each loaded once; forgotten with its last session."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: WeakValueDictionary[tuple[Path, str, str], Network] = WeakValueDictionary()

    def get(self, folder: Path, manifest: Manifest) -> Network:
        """The network in `folder`; raises ModelUnavailable when it does not load."""
        key = (folder, manifest.sha256, manifest.signature)
        with self._lock:
            network = self._open.get(key)
            if network is None:
                network = self._open[key] = open_network(folder, manifest.signature)
            return network


class SavedModel:
    """A SavedModel of one image input, any number at once or one at a time."""

    def __init__(self, folder: Path, manifest: Manifest):
        self.manifest = manifest
        self.batches = manifest.input.shape[0] != 1
        self._folder = folder

    def session(self) -> "SavedModelSession":
        """What runs it. Raises ModelUnavailable when the folder does not load, or its signature is
        not the manifest's.
        """
        manifest = self.manifest
        network = _networks().get(self._folder, manifest)
        _check(f"The input of {manifest.folder}", network.inputs, manifest.input)
        _check(f"The output of {manifest.folder}", network.outputs, manifest.output)
        if len(network.inputs) != 1 or manifest.input.shape[0] not in (1, ANY):
            raise ModelUnavailable(
                f"{manifest.folder} wants {_described(network.inputs)}; "
                "one input of one image, or of any number of them, is understood."
            )
        return SavedModelSession(network, manifest)


class SavedModelSession:
    """A network with the meaning of what goes in and out; see `engine.models.loader.Session`."""

    def __init__(self, network: Network, manifest: Manifest):
        self._network = network
        self._input, self._output = manifest.input, manifest.output
        self._most = 1 if manifest.input.shape[0] == 1 else MOST

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """In calls of at most MOST images."""
        return [
            output
            for first in range(0, len(batch), self._most)
            for output in self._call(np.stack(batch[first : first + self._most]))
        ]

    def _call(self, pixels: NDArray[Any]) -> NDArray[Any]:
        wanted = self._input
        numbers = pixels.astype(wanted.dtype, copy=False)
        if wanted.scale:
            kind = np.dtype(wanted.dtype).type
            numbers = (numbers - kind(wanted.zero_point)) * kind(wanted.scale)
        outputs = self._network.call(**{wanted.name: tf.constant(numbers)})
        return _real(outputs[self._output.name].numpy(), self._output)


def open_model(folder: Path, manifest: Manifest) -> SavedModel:
    """The model in `folder`."""
    return SavedModel(folder, manifest)


def open_network(folder: Path, signature: str) -> Network:
    """Load a SavedModel; raises ModelUnavailable when it does not load."""
    try:
        return Network(folder, signature or SERVING)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, tf.errors.OpError) as error:
        raise ModelUnavailable(f"The SavedModel {folder.name} does not load.") from error


@cache
def configure() -> None:
    """Bound TensorFlow's threads by the cores, and let it take a GPU's memory as it needs it, not
    all at once. Only before its first use in the process, so: once.
    """
    cores = len(os.sched_getaffinity(0))
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(min(2, cores))
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


@cache
def _networks() -> Networks:
    """The process's networks."""
    return Networks()


def _specs(described: Mapping[str, Any]) -> dict[str, Tensor]:
    """TensorFlow's description in our words."""
    return {
        name: Tensor(
            name=name,
            shape=tuple(ANY if n is None else n for n in spec.shape.as_list()),
            dtype=spec.dtype.as_numpy_dtype().dtype.name,
        )
        for name, spec in described.items()
    }


def _check(what: str, found: Mapping[str, Tensor], expected: Tensor) -> None:
    there = found.get(expected.name)
    if there and there.dtype == expected.dtype and _fits(there.shape, expected.shape):
        return
    raise ModelUnavailable(
        f"{what} is {_described(found)}; its model.json says {_described({'': expected})}."
    )


def _fits(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """A side that the network leaves open may be given; one that it gives must be the same."""
    return len(found) == len(expected) and all(
        a in (ANY, b) for a, b in zip(found, expected, strict=True)
    )


def _described(tensors: Mapping[str, Tensor]) -> str:
    return " and ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in tensors.values())


def _real(values: NDArray[Any], meaning: Tensor) -> NDArray[Any]:
    """What the output means: probabilities of logits; real numbers of scaled ones; itself."""
    if meaning.meaning == LOGITS:
        # Less the largest, so that no power overflows.
        powers = np.exp(values.astype(np.float32) - values.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
    if meaning.scale:
        return (values.astype(np.float32) - meaning.zero_point) * np.float32(meaning.scale)
    return values.astype(np.float32, copy=False) if values.dtype.kind == "f" else values
