"""The ONNX runtime (`onnxruntime`): `.onnx` files on CPUs, and on what ONNX_PROVIDERS names.

The library is imported and the file opened at the first prediction, not when a session is created:
an engine that is never asked for such a model does not hold their 50 MB. All sessions of a model
share one graph, whose calls compute in the caller's thread and may overlap: it releases the GIL.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest
from engine.models.shared import OpenedOnce
from engine.models.tensors import Tensor, fits, to_input, to_numbers

LIMIT = 32  # items in one call
ANY = -1
WARNINGS_OFF = 3  # severity from which onnxruntime logs: errors
SUFFIX = "ExecutionProvider"

if find_spec("onnxruntime") is None:
    raise ImportError("onnxruntime is not installed")


class Graph:
    """A loaded file with its inputs and outputs, in the order of the manifest."""

    def __init__(self, path: Path, manifest: Manifest, providers: Sequence[str]):
        self._session = open_session(path, providers)
        found = _described(self._session.get_inputs())
        _check(f"The input of {manifest.folder}", found, manifest.inputs)
        if len(found) != len(manifest.inputs):
            raise ModelUnavailable(f"{manifest.folder} has the inputs {', '.join(found)}.")
        found = _described(self._session.get_outputs())
        _check(f"The output of {manifest.folder}", found, manifest.outputs)
        self._wanted = [each.name for each in manifest.outputs]

    @property
    def metadata(self) -> Mapping[str, str]:
        """The texts that the file holds about itself, by name."""
        found: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        return found

    def call(self, values: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Return the outputs for inputs by name, all with the batch axis."""
        outputs: list[NDArray[Any]] = self._session.run(self._wanted, dict(values))
        return outputs


class OnnxModel:
    """An `.onnx` file, for one item or any number of them at once."""

    def __init__(self, path: Path, manifest: Manifest, providers: Sequence[str]):
        self.manifest = manifest
        self.batches = manifest.input.shape[0] != 1
        self._path = path
        self._providers = tuple(providers)

    def session(self) -> "OnnxSession":
        """Return a session. Its first run raises ModelUnavailable if the file cannot be loaded or
        differs from the manifest.
        """
        return OnnxSession(self)

    def graph(self) -> Graph:
        """Return the graph that the sessions of this file share in the process."""
        key = (self._path, self.manifest.sha256, self._providers)
        return _graphs().opened(key, lambda: Graph(self._path, self.manifest, self._providers))


class OnnxSession:
    """A graph that is opened with the first run; see `engine.models.loader.Session`."""

    def __init__(self, model: OnnxModel):
        self._model = model
        self._manifest = model.manifest
        self._limit = LIMIT if model.batches else 1
        self._graph: Graph | None = None

    def read_metadata(self) -> Mapping[str, str]:
        """Return the texts that the file holds about itself, by name; opens the file."""
        self._graph = self._graph or self._model.graph()
        return self._graph.metadata

    def run(self, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run calls of at most LIMIT items."""
        return [outputs[0] for outputs in self.run_all([[item] for item in batch])]

    def run_all(self, batch: Sequence[Sequence[NDArray[Any]]]) -> list[list[NDArray[Any]]]:
        """Run calls of at most LIMIT items; all items of a call must have one shape."""
        self._graph = self._graph or self._model.graph()
        return [
            outputs
            for first in range(0, len(batch), self._limit)
            for outputs in self._call(self._graph, batch[first : first + self._limit])
        ]

    def _call(
        self, graph: Graph, batch: Sequence[Sequence[NDArray[Any]]]
    ) -> list[list[NDArray[Any]]]:
        columns = zip(*batch, strict=True)
        outputs = graph.call(
            {
                tensor.name: to_input(np.stack(column), tensor)
                for tensor, column in zip(self._manifest.inputs, columns, strict=True)
            }
        )
        tensors = zip(outputs, self._manifest.outputs, strict=True)
        numbers = [to_numbers(values, tensor) for values, tensor in tensors]
        return [[each[place] for each in numbers] for place in range(len(batch))]


def open_model(folder: Path, manifest: Manifest, providers: Sequence[str]) -> OnnxModel:
    """Return the model in `folder`; its first file is the network."""
    return OnnxModel(folder / manifest.files[0].name, manifest, providers)


def open_session(path: Path, providers: Sequence[str]) -> Any:
    """Load a file as an `onnxruntime.InferenceSession`; raises ModelUnavailable if it cannot be
    loaded, or if a provider is not part of the installed onnxruntime, which would silently leave it
    out.
    """
    import onnxruntime

    wanted = [f"{name}{SUFFIX}" for name in providers]
    there = onnxruntime.get_available_providers()
    if missing := [name for name in wanted if name not in there]:
        raise ModelUnavailable(
            f"ONNX_PROVIDERS names {', '.join(each.removesuffix(SUFFIX) for each in missing)}; "
            f"this onnxruntime has {', '.join(each.removesuffix(SUFFIX) for each in there)}."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = WARNINGS_OFF
    # The arena keeps the memory of the largest call; without it calls are as fast.
    options.enable_cpu_mem_arena = False
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:
        # Its errors have no common class but Exception.
        raise ModelUnavailable(f"{path.name} cannot be loaded.") from error


@cache
def _graphs() -> OpenedOnce[Graph]:
    """Return the graphs of the process."""
    return OpenedOnce()


def _described(arguments: Sequence[Any]) -> dict[str, Tensor]:
    """Convert onnxruntime's descriptions of inputs or outputs; a named length is open."""
    return {
        each.name: Tensor(
            name=each.name,
            shape=tuple(length if isinstance(length, int) else ANY for length in each.shape),
            dtype=_DTYPES.get(each.type, each.type),
        )
        for each in arguments
    }


_DTYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64",
    "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(int32)": "int32",
    "tensor(int64)": "int64", "tensor(bool)": "bool",
}  # fmt: skip


def _check(what: str, found: Mapping[str, Tensor], expected: Sequence[Tensor]) -> None:
    for tensor in expected:
        own = found.get(tensor.name)
        if not (own and own.dtype == tensor.dtype and fits(own.shape, tensor.shape)):
            there = " and ".join(f"{t.name} {t.dtype} {list(t.shape)}" for t in found.values())
            raise ModelUnavailable(
                f"{what} is {there}; its model.json describes "
                f"{tensor.name} {tensor.dtype} {list(tensor.shape)}."
            )
