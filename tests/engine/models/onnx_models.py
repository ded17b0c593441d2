"""Manifests of `.onnx` and `.tflite` files of the mirror that no task uses yet, each installed in a
folder of its own.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from engine.models.catalogue import File, Manifest, Source, Tensor
from engine.models.loader import Model, open_folder
from tests.support.servers.backends import missing

# The classifier of unsafe pictures: any number of images, RGB from 0 to 1.
SENSITIVE: dict[str, Any] = {
    "input": Tensor(
        name="image", shape=(-1, 224, 224, 3), dtype="float32", layout="NHWC", scale=1 / 255
    ),
    "output": Tensor(name="probabilities", shape=(-1, 5), dtype="float32"),
}
# A text encoder: three inputs of any number of texts of any length.
TEXT: dict[str, Any] = {
    "input": Tensor(name="input_ids", shape=(-1, -1), dtype="int64"),
    "more_inputs": tuple(
        Tensor(name=name, shape=(-1, -1), dtype="int64")
        for name in ("attention_mask", "token_type_ids")
    ),
    "output": Tensor(name="last_hidden_state", shape=(-1, -1, 384), dtype="float32"),
}
MEAN, STD = (0.48145467, 0.45782751, 0.40821072), (0.26862955, 0.2613026, 0.27577711)
# The image tower of a CLIP model.
CLIP: dict[str, Any] = {
    "input": Tensor(
        name="image", shape=(-1, 3, 224, 224), dtype="float32", layout="NCHW", scale=1 / 255,
        mean=MEAN, std=STD,
    ),
    "output": Tensor(name="embedding", shape=(-1, 512), dtype="float32"),
}  # fmt: skip
# A face detector in LiteRT's format: two outputs.
FACES: dict[str, Any] = {
    "input": Tensor(
        name="input", shape=(1, 128, 128, 3), dtype="float32", layout="NHWC", scale=1 / 127.5,
        zero_point=127.5,
    ),
    "output": Tensor(name="classificators", shape=(1, 896, 1), dtype="float32"),
    "more_outputs": (Tensor(name="regressors", shape=(1, 896, 16), dtype="float32"),),
}  # fmt: skip


def manifest_of(path: Path, runtime: str = "onnx", **tensors: Any) -> Manifest:
    """Return the manifest of a file."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Manifest(
        task="classify", name="made", version="1", runtime=runtime, licence="Apache-2.0",
        source=Source("https://example.org/made", "", ""),
        files=(File(path.name, path.stat().st_size, digest),), **tensors,
    )  # fmt: skip


def installed(mirror: str, name: str, folder: Path, runtime: str = "onnx", **given: Any) -> Model:
    """Copy a file of the mirror to `folder` and return its model, with these tensors, and with
    `providers` if they are given.
    """
    source = Path(mirror, name)
    if not source.is_file():
        missing(f"MODEL_MIRROR has no {name}")
    copied = folder / source.name
    shutil.copy(source, copied)
    providers = given.pop("providers", ("CPU",))
    return open_folder(folder, manifest_of(copied, runtime, **given), providers)
