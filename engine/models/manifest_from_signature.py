"""Derive the manifest of a SavedModel without one from its signature and the caller's
description.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import ModelUnavailable, SettingsError
from common.model_reference import format_reference
from engine.models.catalogue import LOGITS, File, Labels, Manifest, Source, Tensor
from engine.models.sources import without_password

GRAPH = "saved_model.pb"
CLASSES = 1000  # of ImageNet
SIDE = 224  # pixels; the default for an input without a fixed size
# How a pixel of 0 to 255 is converted for a float input, as (value - zero point) * scale.
RANGES = {"0..1": (0.0, 1 / 255), "-1..1": (127.5, 1 / 127.5), "0..255": (0.0, 0.0)}
ARCHIVE = re.compile(r"\.(tar\.gz|tgz|tar)$")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """The caller's description of a SavedModel; empty values are derived or have defaults."""

    name: str = ""
    version: str = ""
    licence: str = ""
    signature: str = ""
    output: str = ""  # the name of the output
    meaning: str = ""  # logits or probabilities
    pixels: str = "0..1"  # one of RANGES
    side: int = SIDE


def describe(task: str, folder: Path, where: str, description: ModelDescription) -> Manifest:
    """Return the manifest of a SavedModel.

    Raises ModelUnavailable if it does not have exactly one image input, or if the description does
    not determine the output.
    """
    from engine.models.savedmodel import open_network

    network = open_network(folder, description.signature)
    if len(network.inputs) != 1:
        raise ModelUnavailable(
            f"It has the inputs {', '.join(network.inputs)}; only one input is supported."
        )
    [tensor] = network.inputs.values()
    output = _output(task, network.outputs, description)
    name, version = named(where, description)
    return Manifest(
        task=task,
        name=name,
        version=version,
        runtime="savedmodel",
        licence=description.licence or "not stated",
        source=_source(where, folder),
        input=_input(tensor, description),
        output=output,
        labels=_labels(output) if task == "classify" else None,
        signature=description.signature,
        files=tuple(_files(folder)),
    )


def _input(tensor: Tensor, description: ModelDescription) -> Tensor:
    """Return an image input [batch, height, width, 3] of one size; a variable size
    becomes `side`.
    """
    if len(tensor.shape) != 4 or tensor.shape[3] not in (3, -1) or tensor.shape[0] not in (1, -1):
        raise ModelUnavailable(f"Its input {tensor.name} {list(tensor.shape)} is not an RGB image.")
    height, width = (description.side if side == -1 else side for side in tensor.shape[1:3])
    if height != width:
        raise ModelUnavailable(
            f"Its input is {height} x {width}; only square inputs are supported."
        )
    is_float = tensor.dtype.startswith("float")
    zero_point, scale = RANGES[description.pixels] if is_float else (0.0, 0.0)
    return Tensor(
        name=tensor.name, shape=(tensor.shape[0], height, width, 3), dtype=tensor.dtype,
        layout="NHWC", scale=scale, zero_point=zero_point,
    )  # fmt: skip


def _output(task: str, outputs: dict[str, Tensor], description: ModelDescription) -> Tensor:
    """Return the output that is named, else the only one, else the one with a usual name."""
    usual = {"classify": ("logits", "probabilities"), "embed": ("features", "feature_vector")}
    names = (
        [description.output]
        if description.output
        else [*usual.get(task, ()), *list(outputs)[: _one(outputs)]]
    )
    for name in names:
        if tensor := outputs.get(name):
            meaning = description.meaning or (LOGITS if task == "classify" else "")
            if not description.meaning and name == "probabilities":
                meaning = name
            return Tensor(
                name=name, shape=tensor.shape, dtype=tensor.dtype, meaning=meaning
            )  # fmt: skip
    raise ModelUnavailable(
        f"It has several outputs, {', '.join(sorted(outputs))}: choose one with --output."
    )


def _one(outputs: dict[str, Tensor]) -> int:
    return 1 if len(outputs) == 1 else 0


def _labels(output: Tensor) -> Labels:
    background = output.shape[-1] - CLASSES
    if len(output.shape) != 2 or background not in (0, 1):
        raise ModelUnavailable(
            f"Its output {output.name} {list(output.shape)} does not have the {CLASSES} classes of "
            f"ImageNet, or {CLASSES + 1} with the background."
        )
    return Labels("imagenet", background)


def named(where: str, description: ModelDescription) -> tuple[str, str]:
    """Return the described name and version, or those from the end of a handle's path:
    …/mobilenet_v2/5.
    """
    path = ARCHIVE.sub("", where.partition("?")[0].rstrip("/"))
    *_, parent, last = ["model", *path.split("/")]
    name, version = (parent, last) if last.isdecimal() else (last, "1")
    chosen = description.name or name, description.version or version
    if not all(NAME.fullmatch(each) for each in chosen):
        raise SettingsError(
            f"{format_reference(*chosen)} is not a valid name and version: use letters, digits, "
            "dots, hyphens and underscores. Set --name and --version."
        )
    return chosen


def _source(where: str, folder: Path) -> Source:
    # Callers can read it, so it must not contain the path of a folder.
    origin = without_password(where) if "://" in where else f"a folder named {folder.name}"
    return Source(repository=origin, commit="", files="")


def _files(folder: Path) -> list[File]:
    """Return all files, the graph first."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths.sort(key=lambda path: path != folder / GRAPH)
    return [
        File(path.relative_to(folder).as_posix(), path.stat().st_size, _sha256(path))
        for path in paths
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
