"""What is installed: reading a model's folder and comparing it with what it should be."""

import hashlib
import json
from pathlib import Path

from engine.models.catalogue import File, Manifest

MANIFEST = "model.json"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the model in `folder`; raises OSError or ValueError when there is none."""
    try:
        return Manifest.parse(json.loads((folder / MANIFEST).read_bytes()))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{MANIFEST} is not a model's: {error}") from error


def installed(task: str, model_dir: Path) -> dict[str, Manifest]:
    """The models of `task` in MODEL_DIR by their references, in order; what is broken is left out.

    Only the manifests are read. A folder whose manifest is another model's is none.
    """
    found = {}
    for path in sorted(model_dir.glob(f"{task}/*/*/{MANIFEST}")):
        try:
            manifest = read_manifest(path.parent)
        except (OSError, ValueError):
            continue
        if model_dir / manifest.folder == path.parent:
            found[manifest.reference] = manifest
    return found


def is_installed(manifest: Manifest, folder: Path) -> bool:
    """Whether `folder` has this model: the same manifest, and files of the right sizes."""
    try:
        if read_manifest(folder) != manifest:
            return False
        return all((folder / file.name).stat().st_size == file.size for file in manifest.files)
    except (OSError, ValueError):
        return False


def damage(manifest: Manifest, folder: Path) -> list[str]:
    """Read every file of an installed model and say what is wrong; empty when all is right."""
    return [
        f"{folder / file.name} is not the file that the catalogue means"
        if (folder / file.name).is_file()
        else f"{folder / file.name} is missing"
        for file in manifest.files
        if not is_right(file, folder / file.name)
    ]


def is_right(file: File, path: Path) -> bool:
    """Whether `path` is this very file: its sha256 is computed, about 1 ms a MB."""
    try:
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest() == file.sha256
    except OSError:
        return False
