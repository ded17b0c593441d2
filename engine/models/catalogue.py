"""The catalogue of default models, and the manifest of a model: catalogue.json and model.json.

Both contain the same manifests: the catalogue those of models that can be downloaded, the
model.json in a model's folder that of the installed model.
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
from engine.pixels import PREPROCESSING


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model; its name may contain folders."""

    name: str
    size: int  # bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a model; `files` is the address of the folder with its files."""

    repository: str
    commit: str
    files: str

    def __str__(self) -> str:
        return f"{self.repository} at {self.commit}" if self.commit else self.repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A model's input or output.

    The values of an output represent the numbers (value - zero_point) * scale. For a float input a
    pixel becomes the number (pixel - zero_point) * scale. With scale 0 values are used unchanged.
    """

    shape: tuple[int, ...]  # including the batch axis; -1: any length
    dtype: str  # numpy's name
    layout: str = ""
    scale: float = 0.0
    zero_point: float = 0
    name: str = ""  # in the signature of a SavedModel
    meaning: str = ""  # LOGITS, or empty: values are used unchanged


LOGITS = "logits"  # the meaning of an output that softmax converts to probabilities


@dataclass(frozen=True, slots=True)
class Labels:
    """The name of the set of labels for the output's classes, and the number of leading classes
    without a label ("background").
    """

    set: str
    background: int = 0


SQUASH, CROP = "squash", "crop"


@dataclass(frozen=True, slots=True)
class Fit:
    """How an image becomes a square input.

    SQUASH resizes the whole image without keeping its aspect ratio. CROP takes `share` of the
    shorter side from the middle, and of the longer side up to `stretch` times as much, so that
    nothing is resized more in one direction than `stretch` times in the other.
    """

    kind: str = SQUASH
    share: float = 1.0
    stretch: float = 1.0

    def __str__(self) -> str:
        if self.kind == SQUASH:
            return self.kind
        return f"{self.kind} {self.share:g}, stretch {self.stretch:g}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The description of a model: task, runtime, input, output, files, licence and source.

    The runtime opens the first file.
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
    fit: Fit = Fit()
    signature: str = ""  # signature of a SavedModel; empty: serving_default
    files: tuple[File, ...]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Return the manifest in a JSON object; raises KeyError, TypeError or ValueError if it is
        invalid.
        """
        parsed: dict[str, Any] = {
            "source": Source(**data["source"]),
            "input": _tensor(data["input"]),
            "output": _tensor(data["output"]),
            "labels": Labels(**data["labels"]) if data.get("labels") else None,
            "fit": _fit(data.get("fit") or {}),
            "files": tuple(_file(each) for each in data["files"]),
        }
        return cls(**{**data, **parsed})

    def dump(self) -> str:
        """Return the text of model.json, which `parse` reads."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @property
    def folder(self) -> Path:
        """The model's folder within MODEL_DIR: task, name, version."""
        return Path(self.task, self.name, self.version)

    @property
    def reference(self) -> str:
        """The name of the model in requests: name@version."""
        return format_reference(self.name, self.version)

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(file.size for file in self.files)

    @cached_property
    def sha256(self) -> str:
        """The sha256 of the file or, if there are several, of the lines that `sha256sum` prints for
        them.
        """
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return sha256(lines.encode()).hexdigest()

    @property
    def identity(self) -> dict[str, Any]:
        """The part of the manifest that is stored with each result and returned to callers."""
        about = {key: getattr(self, key) for key in ("name", "version", "sha256", "runtime")}
        preprocessing = f"{PREPROCESSING}: {self.fit}"
        about |= {"licence": self.licence, "preprocessing": preprocessing}
        return about | {"source": str(self.source)}


def _tensor(data: Mapping[str, Any]) -> Tensor:
    return Tensor(**{**data, "shape": tuple(data["shape"])})


def _fit(data: Mapping[str, Any]) -> Fit:
    fit = Fit(**data)
    if fit.kind not in (SQUASH, CROP) or not 0 < fit.share <= 1 <= fit.stretch:
        raise ValueError(
            f"{data} is not a fit: the kind is {SQUASH} or {CROP}, the share above 0 and at most "
            "1, the stretch 1 or more"
        )
    return fit


def _file(data: Mapping[str, Any]) -> File:
    file = File(**data)
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"{file.name!r} is not a relative path within the model's folder")
    return file


def load_catalogue() -> tuple[Manifest, ...]:
    """Return the default models, one per task. The file is read at each call, which takes less than
    1 ms.
    """
    data = json.loads(files("engine.models").joinpath("catalogue.json").read_bytes())
    sources = data["sources"]
    return tuple(
        Manifest.parse({**entry, "source": sources[entry["source"]]}) for entry in data["models"]
    )


def default_model(task: str) -> Manifest:
    """Return the catalogue's model for `task`; raises KeyError without one."""
    return {entry.task: entry for entry in load_catalogue()}[task]
