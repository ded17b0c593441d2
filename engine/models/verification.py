"""Read the manifests of installed models and compare their files with them."""

import json
from pathlib import Path

from engine.models.catalogue import File, Manifest

MANIFEST = "model.json"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest in `folder`; raises OSError or ValueError if it is missing or invalid."""
    try:
        return Manifest.parse(json.loads((folder / MANIFEST).read_bytes()))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{MANIFEST} is not a valid manifest: {error}") from error


def installed(task: str, model_dir: Path) -> dict[str, Manifest]:
    """Return the models of `task` in MODEL_DIR by reference, in order, without broken ones.

    Only the manifests are read. A folder whose manifest belongs to another path is ignored.
    """
    manifests = {}
    for path in sorted(model_dir.glob(f"{task}/*/*/{MANIFEST}")):
        try:
            manifest = read_manifest(path.parent)
        except (OSError, ValueError):
            continue
        if model_dir / manifest.folder == path.parent:
            manifests[manifest.reference] = manifest
    return manifests


def is_installed(manifest: Manifest, folder: Path) -> bool:
    """Return whether `folder` contains this model: the same manifest, and files of the
    right sizes.
    """
    try:
        if read_manifest(folder) != manifest:
            return False
        sizes = [(folder / file.name).stat().st_size for file in manifest.files]
        files = zip(sizes, manifest.files, strict=True)
        return all(file.size in (size, -1) for size, file in files)
    except (OSError, ValueError):
        return False


def damage(manifest: Manifest, folder: Path) -> list[str]:
    """Read every file of an installed model and return a message for each wrong one; empty if all
    are right.
    """
    return [
        f"{folder / file.name} differs from the file in its manifest"
        if (folder / file.name).is_file()
        else f"{folder / file.name} is missing"
        for file in manifest.files
        if not is_right(file, folder / file.name)
    ]


def is_right(file: File, path: Path) -> bool:
    """Return whether `path` is exactly this file, which is read (about 1 ms per MB)."""
    try:
        return file.is_at(path)
    except OSError:
        return False
