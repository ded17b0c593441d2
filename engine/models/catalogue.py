"""The catalogue of models, and the manifest of a model: catalogue.json and model.json.

Both contain the same manifests: the catalogue those of models that can be downloaded, the
model.json in a model's folder that of the installed model.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from common.errors import ModelUnavailable
from common.model_reference import format_reference
from engine.models.fit import CROP, LETTERBOX, SHORTEST, SQUASH, Fit, parse_fit
from engine.models.model_file import File, parse_file
from engine.models.tensors import LOGITS, Tensor, parse_tensor
from engine.pixels import PREPROCESSING

# With the parts of a manifest, which have modules of their own.
__all__ = [
    "CROP",
    "LETTERBOX",
    "LOGITS",
    "SHORTEST",
    "SQUASH",
    "File",
    "Fit",
    "Labels",
    "Manifest",
    "Part",
    "Source",
    "Tensor",
    "default_model",
    "load_catalogue",
]


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a model; `files` is the address of the folder with its files."""

    repository: str
    commit: str
    files: str

    def __str__(self) -> str:
        return f"{self.repository} at {self.commit}" if self.commit else self.repository


@dataclass(frozen=True, slots=True)
class Labels:
    """The name of the set of labels for the output's classes, and the number of leading classes
    without a label ("background").
    """

    set: str
    background: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """A further network of a model: its input and output, and the role of its file."""

    role: str
    input: Tensor
    output: Tensor


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The description of a model: task, runtime, inputs, outputs, files, licence and source.

    The runtime opens the first file, and those of the `parts`. `decoder` names how the task reads
    the outputs, for a task whose models differ in that (`engine/tasks/detect.py`); it is empty for
    others.
    """

    task: str
    name: str
    version: str
    runtime: str
    licence: str
    source: Source
    input: Tensor
    output: Tensor
    more_inputs: tuple[Tensor, ...] = ()  # of a model that has several
    more_outputs: tuple[Tensor, ...] = ()
    parts: tuple[Part, ...] = ()  # of a model with several networks
    labels: Labels | None = None
    fit: Fit = Fit()
    decoder: str = ""
    signature: str = ""  # signature of a SavedModel; empty: serving_default
    default: bool = True  # of the catalogue: whether it is installed without being named
    files: tuple[File, ...]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Return the manifest in a JSON object; raises KeyError, TypeError or ValueError if it is
        invalid.
        """
        parsed: dict[str, Any] = {
            "source": Source(**data["source"]),
            "input": parse_tensor(data["input"]),
            "output": parse_tensor(data["output"]),
            "more_inputs": tuple(map(parse_tensor, data.get("more_inputs", ()))),
            "more_outputs": tuple(map(parse_tensor, data.get("more_outputs", ()))),
            "parts": tuple(map(_parse_part, data.get("parts", ()))),
            "labels": Labels(**data["labels"]) if data.get("labels") else None,
            "fit": parse_fit(data.get("fit") or {}),
            "files": tuple(map(parse_file, data["files"])),
        }
        return cls(**{**data, **parsed})

    def dump(self) -> str:
        """Return the text of model.json, which `parse` reads, without values that are defaults:
        engines of an earlier version can read it as long as the model uses nothing newer.
        """
        return json.dumps(_without_defaults(self), indent=2) + "\n"

    def part(self, role: str) -> Self:
        """Return the manifest of the part with this role as a model of its own. Raises
        ModelUnavailable without such a part or file.
        """
        parts = [part for part in self.parts if part.role == role]
        own_files = tuple(file for file in self.files if file.role == role)
        if not (parts and own_files):
            raise ModelUnavailable(f"{self.folder} has no part and file with the role `{role}`.")
        return replace(
            self, input=parts[0].input, output=parts[0].output, files=own_files[:1], parts=()
        )

    @property
    def folder(self) -> Path:
        """The model's folder within MODEL_DIR: task, name, version."""
        return Path(self.task, self.name, self.version)

    @property
    def reference(self) -> str:
        """The name of the model in requests: name@version."""
        return format_reference(self.name, self.version)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """All inputs, in the order in which a session takes them."""
        return (self.input, *self.more_inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """All outputs, in the order in which a session returns them."""
        return (self.output, *self.more_outputs)

    @property
    def size(self) -> int:
        """The size in bytes of all files with a known one."""
        return sum(max(0, file.size) for file in self.files)

    @property
    def licences(self) -> str:
        """The licence of the model, followed by those of files with another one."""
        every = [self.licence, *(file.licence for file in self.files if file.licence)]
        return ", ".join(dict.fromkeys(every))

    @cached_property
    def sha256(self) -> str:
        """The sha256 of the file or, if there are several, of the lines that `sha256sum` prints for
        them. The git blob id replaces an unknown sha256 in these lines.
        """
        if len(self.files) == 1 and self.files[0].sha256:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256 or file.git_blob}  {file.name}\n" for file in self.files)
        return sha256(lines.encode()).hexdigest()

    @property
    def identity(self) -> dict[str, Any]:
        """The part of the manifest that is stored with each result and returned to callers."""
        about = {key: getattr(self, key) for key in ("name", "version", "sha256", "runtime")}
        preprocessing = f"{PREPROCESSING}: {self.fit}"
        about |= {"licence": self.licences, "preprocessing": preprocessing}
        return about | {"source": str(self.source)}


def _parse_part(data: Mapping[str, Any]) -> Part:
    return Part(data["role"], parse_tensor(data["input"]), parse_tensor(data["output"]))


def _without_defaults(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_without_defaults(each) for each in value]
    if not is_dataclass(value):
        return value
    found = {field.name: (getattr(value, field.name), field.default) for field in fields(value)}
    return {
        name: _without_defaults(own) for name, (own, default) in found.items() if own != default
    }


def load_catalogue() -> tuple[Manifest, ...]:
    """Return the models that can be pulled: one default per task, and others. The file is read at
    each call, which takes less than 1 ms.
    """
    data = json.loads(files("engine.models").joinpath("catalogue.json").read_bytes())
    sources = data["sources"]
    return tuple(
        Manifest.parse({**entry, "source": sources[entry["source"]]}) for entry in data["models"]
    )


def default_model(task: str) -> Manifest:
    """Return the catalogue's default model for `task`; raises KeyError without one."""
    return {entry.task: entry for entry in load_catalogue() if entry.default}[task]
