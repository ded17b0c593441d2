"""The LiteRT runtime (`ai-edge-litert`, the successor of TensorFlow Lite): `.tflite` files on CPUs.

Each session is an interpreter on one thread. LiteRT releases the GIL while it computes, so two
sessions in two threads use two cores. The file is mapped into memory and therefore shared; the
weights that XNNPACK repacks for its kernels are not (11 MiB per session of MobileNetV2). LiteRT
writes one line about XNNPACK to stderr per process; its Python package cannot disable that.
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
    """A `.tflite` file with batch size 1, one input and one output."""

    batches = False

    def __init__(self, path: Path, manifest: Manifest):
        self.manifest = manifest
        self._path = path

    def session(self) -> "LiteRtSession":
        """Return a new interpreter (20 ms). Raises ModelUnavailable if the file cannot be loaded or
        its tensors differ from the manifest.
        """
        manifest = self.manifest
        try:
            interpreter = Interpreter(str(self._path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelUnavailable(f"{manifest.folder} cannot be loaded.") from error
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise ModelUnavailable(
                f"{manifest.folder} has {len(inputs)} inputs and {len(outputs)} outputs; "
                "exactly one of each is supported."
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
        """Run the items one by one: the file's batch size is 1, and a larger one would be no
        faster.
        """
        return [self._one(item) for item in batch]

    def _one(self, item: NDArray[Any]) -> NDArray[Any]:
        # Copying takes 0.02 ms; views of LiteRT's memory must not be used after the next call.
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
    # The scale of the input does not matter: its bytes are unchanged pixels.
    is_scale = not expected.scale or (
        np.isclose(scale, expected.scale) and zero_point == expected.zero_point
    )
    if not (is_shape and is_dtype and is_scale):
        raise ModelUnavailable(
            f"{what} is {np.dtype(found['dtype']).name} {found['shape'].tolist()} x {scale:g} "
            f"from {zero_point}; its model.json describes {expected.dtype} {list(expected.shape)} "
            f"x {expected.scale:g} from {expected.zero_point}."
        )


def open_model(folder: Path, manifest: Manifest) -> LiteRtModel:
    """Return the model in `folder`; its first file is the network."""
    return LiteRtModel(folder / manifest.files[0].name, manifest)
