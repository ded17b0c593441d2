"""The manifest of a SavedModel that has none: what its signature tells, and what people say."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import ModelUnavailable, SettingsError
from engine.models.catalogue import LOGITS, File, Labels, Manifest, Source, Tensor
from engine.models.sources import without_password

GRAPH = "saved_model.pb"
CLASSES = 1000  # of ImageNet
SIDE = 224  # pixels, of an input that takes any
# What a float input wants of pixels 0 to 255, as (value - zero point) * scale.
RANGES = {"0..1": (0.0, 1 / 255), "-1..1": (127.5, 1 / 127.5), "0..255": (0.0, 0.0)}
ARCHIVE = re.compile(r"\.(tar\.gz|tgz|tar)$")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the caller says of a SavedModel; what is empty is found out, or the usual."""

    name: str = ""
    version: str = ""
    licence: str = ""
    signature: str = ""
    output: str = ""  # the name of the output
    meaning: str = ""  # logits or probabilities
    pixels: str = "0..1"  # one of RANGES
    side: int = SIDE


def describe(task: str, folder: Path, where: str, said: Said) -> Manifest:
    """The manifest of a SavedModel; raises ModelUnavailable when it has not one image input, or
    does not say which output is meant.
    """
    from engine.models.savedmodel import open_network

    network = open_network(folder, said.signature)
    if len(network.inputs) != 1:
        raise ModelUnavailable(f"It has the inputs {', '.join(network.inputs)}; one is understood.")
    [found] = network.inputs.values()
    output = _output(task, network.outputs, said)
    name, version = named(where, said)
    return Manifest(
        task=task,
        name=name,
        version=version,
        runtime="savedmodel",
        licence=said.licence or "not stated",
        source=_source(where, folder),
        input=_input(found, said),
        output=output,
        labels=_labels(output) if task == "classify" else None,
        signature=said.signature,
        files=tuple(_files(folder)),
    )


def _input(found: Tensor, said: Said) -> Tensor:
    """An image [batch, height, width, 3] of one size, which is `side` where any will do."""
    if len(found.shape) != 4 or found.shape[3] not in (3, -1) or found.shape[0] not in (1, -1):
        raise ModelUnavailable(f"Its input {found.name} {list(found.shape)} is not an RGB image.")
    height, width = (said.side if side == -1 else side for side in found.shape[1:3])
    if height != width:
        raise ModelUnavailable(f"Its input is {height} x {width}; a square is understood.")
    is_float = found.dtype.startswith("float")
    zero_point, scale = RANGES[said.pixels] if is_float else (0.0, 0.0)
    return Tensor(
        name=found.name, shape=(found.shape[0], height, width, 3), dtype=found.dtype,
        layout="NHWC", scale=scale, zero_point=zero_point,
    )  # fmt: skip


def _output(task: str, outputs: dict[str, Tensor], said: Said) -> Tensor:
    """The output that is named, or the only one, or the one that is called as it usually is."""
    usual = {"classify": ("logits", "probabilities"), "embed": ("features", "feature_vector")}
    names = (
        [said.output] if said.output else [*usual.get(task, ()), *list(outputs)[: _one(outputs)]]
    )
    for name in names:
        if found := outputs.get(name):
            meaning = said.meaning or (LOGITS if task == "classify" else "")
            if not said.meaning and name == "probabilities":
                meaning = name
            return Tensor(
                name=name, shape=found.shape, dtype=found.dtype, meaning=meaning
            )  # fmt: skip
    raise ModelUnavailable(
        f"Which output? It has {', '.join(sorted(outputs))}: name one of them with --output."
    )


def _one(outputs: dict[str, Tensor]) -> int:
    return 1 if len(outputs) == 1 else 0


def _labels(output: Tensor) -> Labels:
    background = output.shape[-1] - CLASSES
    if len(output.shape) != 2 or background not in (0, 1):
        raise ModelUnavailable(
            f"Its output {output.name} {list(output.shape)} is not ImageNet's {CLASSES} classes, "
            f"or {CLASSES + 1} with the background."
        )
    return Labels("imagenet", background)


def named(where: str, said: Said) -> tuple[str, str]:
    """Name and version: as said, or as a handle's path ends: …/mobilenet_v2/5."""
    path = ARCHIVE.sub("", where.partition("?")[0].rstrip("/"))
    *_, parent, last = ["model", *path.split("/")]
    name, version = (parent, last) if last.isdecimal() else (last, "1")
    chosen = said.name or name, said.version or version
    if not all(NAME.fullmatch(each) for each in chosen):
        raise SettingsError(
            f"{'@'.join(chosen)} cannot be a model's name and version: letters, digits, dots, "
            "hyphens and underscores can. Set --name and --version."
        )
    return chosen


def _source(where: str, folder: Path) -> Source:
    # People get to read it, so a folder's path is not told.
    origin = without_password(where) if "://" in where else f"a folder named {folder.name}"
    return Source(repository=origin, commit="", files="")


def _files(folder: Path) -> list[File]:
    """All files, the graph first."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    paths.sort(key=lambda path: path != folder / GRAPH)
    return [
        File(path.relative_to(folder).as_posix(), path.stat().st_size, _sha256(path))
        for path in paths
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
