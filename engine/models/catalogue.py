"""The catalogue of default models, and what one model says of itself: catalogue.json, model.json.

Both hold the same manifest: the catalogue lists what can be fetched, the model.json in a model's
folder what is installed there.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Self

from common.model_reference import format_reference


@dataclass(frozen=True, slots=True)
class File:
    """One of a model's files: its name, which may have folders in it, and what it must be."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model comes from; `files` is the address under which its files lie."""

    repository: str
    commit: str
    files: str

    def __str__(self) -> str:
        return f"{self.repository} at {self.commit}" if self.commit else self.repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A model's input or output.

    An output stands for the numbers (value - zero_point) * scale, and a pixel becomes the number
    (pixel - zero_point) * scale of a float input; scale 0: each stands for itself.
    """

    shape: tuple[int, ...]  # with the batch's axis in front; -1: any length
    dtype: str  # as numpy names it
    layout: str = ""
    scale: float = 0.0
    zero_point: float = 0
    name: str = ""  # in a SavedModel's signature
    meaning: str = ""  # LOGITS, or as it is


LOGITS = "logits"  # the meaning of an output that softmax turns into probabilities


@dataclass(frozen=True, slots=True)
class Labels:
    """The set of labels that the output's classes belong to, and how many classes come before it
    that are none ("background").
    """

    set: str
    background: int = 0


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a model is: for what task, what runs it, what goes in and out, its files, its rights.

    The first file is what the runtime is given.
    """

    task: str
    name: str
    version: str
    runtime: str
    licence: str
    source: Source
    input: Tensor
    output: Tensor
    labels: Labels | None = None
    signature: str = ""  # of a SavedModel; empty: serving_default
    files: tuple[File, ...]

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Self:
        """The manifest in a JSON object; raises KeyError, TypeError or ValueError if it is none."""
        read: dict[str, Any] = {
            "source": Source(**said["source"]),
            "input": _tensor(said["input"]),
            "output": _tensor(said["output"]),
            "labels": Labels(**said["labels"]) if said.get("labels") else None,
            "files": tuple(_file(each) for each in said["files"]),
        }
        return cls(**{**said, **read})

    def dump(self) -> str:
        """The text of model.json, which `parse` reads."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def folder(self) -> Path:
        """The model's folder within MODEL_DIR: task, name, version."""
        return Path(self.task, self.name, self.version)

    @property
    def reference(self) -> str:
        """What a request names the model by: name@version."""
        return format_reference(self.name, self.version)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """Of the file, or, of several, of the lines that `sha256sum` would print for them."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return sha256(lines.encode()).hexdigest()

    @property
    def identity(self) -> dict[str, Any]:
        """What is kept with each result and shown to people."""
        about = {key: getattr(self, key) for key in ("name", "version", "sha256", "runtime")}
        return about | {"licence": self.licence, "source": str(self.source)}


def _tensor(said: Mapping[str, Any]) -> Tensor:
    return Tensor(**{**said, "shape": tuple(said["shape"])})


def _file(said: Mapping[str, Any]) -> File:
    file = File(**said)
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"{file.name!r} does not name a file within the model's folder")
    return file


def load_catalogue() -> tuple[Manifest, ...]:
    """The default models, one a task; read anew at each call, which takes less than 1 ms."""
    data = json.loads(files("engine.models").joinpath("catalogue.json").read_bytes())
    sources = data["sources"]
    return tuple(
        Manifest.parse({**entry, "source": sources[entry["source"]]}) for entry in data["models"]
    )


def default_model(task: str) -> Manifest:
    """The model that `task` runs on; raises KeyError for a task without one."""
    return {entry.task: entry for entry in load_catalogue()}[task]
