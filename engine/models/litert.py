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
from engine.models.catalogue import Manifest
from engine.models.tensors import Tensor, to_input, to_numbers


class LiteRtModel:
    """A `.tflite` file with batch size 1."""

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
        inputs = _matched(
            f"The input of {manifest.folder}", interpreter.get_input_details(), manifest.inputs
        )
        outputs = _matched(
            f"The output of {manifest.folder}", interpreter.get_output_details(), manifest.outputs
        )
        return LiteRtSession(interpreter, inputs, outputs)


class LiteRtSession:
    """One interpreter; see `engine.models.loader.Session`.

    `inputs` and `outputs` are the numbers of the file's tensors, each with its description in the
    manifest.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        inputs: Sequence[tuple[int, Tensor]],
        outputs: Sequence[tuple[int, Tensor]],
    ):
        self._interpreter = interpreter
        self._inputs = inputs
        self._outputs = outputs

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the items one by one: the file's batch size is 1, and a larger one would be no
        faster.
        """
        return [self._one([item])[0] for item in batch]

    def run_all(self, batch: Sequence[Sequence[NDArray[Any]]]) -> list[list[NDArray[Any]]]:
        """Run the items one by one."""
        return [self._one(item) for item in batch]

    def _one(self, item: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        # Copying takes 0.02 ms; views of LiteRT's memory must not be used after the next call.
        for (number, tensor), values in zip(self._inputs, item, strict=True):
            self._interpreter.set_tensor(number, to_input(values[np.newaxis], tensor))
        self._interpreter.invoke()
        return [
            to_numbers(self._interpreter.get_tensor(number)[0], tensor)
            for number, tensor in self._outputs
        ]


def _matched(
    what: str, found: Sequence[Mapping[str, Any]], expected: Sequence[Tensor]
) -> list[tuple[int, Tensor]]:
    """Return the number of each expected tensor: by its name, or without a name by its place.

    Raises ModelUnavailable if the file's tensors are others.
    """
    if len(found) != len(expected):
        raise ModelUnavailable(
            f"{what} is {len(found)} tensors; its model.json describes {len(expected)}."
        )
    names = {details["name"]: details for details in found}
    matched = []
    for place, tensor in enumerate(expected):
        details = names.get(tensor.name) if tensor.name else found[place]
        if details is None:
            raise ModelUnavailable(f"{what} is {', '.join(names)}, without {tensor.name}.")
        _check(what, details, tensor)
        matched.append((details["index"], tensor))
    return matched


def _check(what: str, found: Mapping[str, Any], expected: Tensor) -> None:
    scale, zero_point = found["quantization"]
    is_shape = tuple(found["shape"].tolist()) == expected.shape
    is_dtype = np.dtype(found["dtype"]) == np.dtype(expected.dtype)
    # The scale of an integer input does not matter, because its bytes are unchanged pixels; the
    # file does not hold the scale of a float tensor.
    is_scale = (
        np.dtype(expected.dtype).kind == "f"
        or not expected.scale
        or (np.isclose(scale, expected.scale) and zero_point == expected.zero_point)
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
