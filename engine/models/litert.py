"""The LiteRT runtime (`ai-edge-litert`, the successor of TensorFlow Lite): `.tflite` files on CPUs.

Each session is an interpreter on one thread. LiteRT releases the GIL while it computes, so two
sessions in two threads keep two cores busy. The file is mapped, hence shared; what XNNPACK packs
for its kernels is not (11 MiB a session of MobileNetV2). Once a process LiteRT writes a line about
XNNPACK to stderr; its Python package has no switch for that.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest, Tensor


class LiteRtModel:
    """A `.tflite` file of batch 1 with one input and one output."""

    batches = False

    def __init__(self, path: Path, manifest: Manifest):
        self.manifest = manifest
        self._path = path

    def session(self) -> "LiteRtSession":
        """A new interpreter (20 ms). Raises ModelUnavailable when the file does not load, or its
        tensors are not the manifest's.
        """
        manifest = self.manifest
        try:
            interpreter = Interpreter(str(self._path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelUnavailable(f"{manifest.folder} does not load.") from error
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelUnavailable(
                f"{manifest.folder} has {len(inputs)} inputs and {len(outputs)} outputs; "
                "one of each is understood."
            )
        _check(f"The input of {manifest.folder}", inputs[0], manifest.input)
        _check(f"The output of {manifest.folder}", outputs[0], manifest.output)
        return LiteRtSession(interpreter, inputs[0]["index"], outputs[0]["index"], manifest.output)


class LiteRtSession:
    """One interpreter; see `engine.models.loader.Session`."""

    def __init__(self, interpreter: Interpreter, input: int, output: int, meaning: Tensor):
        self._interpreter = interpreter
        self._input = input
        self._output = output
        self._meaning = meaning

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """One after another: the file's batch is 1, and a batch of it would be no faster."""
        return [self._one(item) for item in batch]

    def _one(self, item: NDArray[Any]) -> NDArray[Any]:
        # Copying in and out takes 0.02 ms; views of LiteRT's own memory must not outlive a call.
        self._interpreter.set_tensor(self._input, item[np.newaxis])
        self._interpreter.invoke()
        return _real(self._interpreter.get_tensor(self._output)[0], self._meaning)


def _real(values: NDArray[Any], meaning: Tensor) -> NDArray[Any]:
    if not meaning.scale:
        return values
    return (values.astype(np.float32) - meaning.zero_point) * np.float32(meaning.scale)


def _check(what: str, found: Mapping[str, Any], expected: Tensor) -> None:
    scale, zero_point = found["quantization"]
    is_shape = tuple(found["shape"].tolist()) == expected.shape
    is_dtype = np.dtype(found["dtype"]) == np.dtype(expected.dtype)
    # An input's scale is none of our business: its bytes are pixels as they are.
    is_scale = not expected.scale or (
        np.isclose(scale, expected.scale) and zero_point == expected.zero_point
    )
    if not (is_shape and is_dtype and is_scale):
        raise ModelUnavailable(
            f"{what} is {np.dtype(found['dtype']).name} {found['shape'].tolist()} x {scale:g} "
            f"from {zero_point}; its model.json says {expected.dtype} {list(expected.shape)} "
            f"x {expected.scale:g} from {expected.zero_point}."
        )


def open_model(folder: Path, manifest: Manifest) -> LiteRtModel:
    """The model in `folder`; its first file is the network."""
    return LiteRtModel(folder / manifest.files[0].name, manifest)
