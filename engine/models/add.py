"""Install a model that is not in the catalogue: from a folder, or by a TF Hub handle.

A folder with a model.json is installed as that describes. The manifest of a SavedModel is derived
from its signature and the command line. `pull` copies the files and verifies them; it installs all
of them or none.
"""

from pathlib import Path

import numpy as np

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest
from engine.models.loader import open_folder
from engine.models.manifest_from_signature import GRAPH, NAME, ModelDescription, describe
from engine.models.progress import Progress
from engine.models.pull import pull
from engine.models.sources import without_password
from engine.models.verification import MANIFEST, damage, is_installed, read_manifest


def add(
    task: str, where: str, description: ModelDescription, model_dir: Path, progress: Progress
) -> Manifest:
    """Install the model in the folder or with the handle `where`; installing the same one again is
    no error.

    Raises ModelUnavailable if there is no model or none that `task` can use; SettingsError if the
    description does not fit the model.
    """
    folder = resolve(where) if "://" in where else Path(where).expanduser().resolve()
    if (folder / MANIFEST).is_file():
        manifest = _read_described(task, folder)
    elif (folder / GRAPH).is_file():
        manifest = describe(task, folder, where, description)
    else:
        raise ModelUnavailable(f"{where} contains neither {MANIFEST} nor {GRAPH}.")
    _check_place(manifest, model_dir)
    _test_run(manifest, folder)
    pull(manifest, model_dir, str(folder), progress)
    return manifest


def resolve(handle: str) -> Path:
    """Return the folder of a TF Hub handle: tensorflow_hub downloads and unpacks it to
    TFHUB_CACHE_DIR.

    Raises ModelUnavailable.
    """
    try:
        import tensorflow_hub
    except ImportError as error:
        raise ModelUnavailable(
            "A TF Hub handle needs tensorflow_hub: pip install 'afterimage[tensorflow]'."
        ) from error
    try:
        return Path(tensorflow_hub.resolve(handle))
    except Exception as error:
        # tensorflow_hub has no error class of its own: its resolvers and their libraries raise
        # many.
        address = without_password(handle)
        raise ModelUnavailable(f"{address} cannot be downloaded.") from error


def _read_described(task: str, folder: Path) -> Manifest:
    try:
        manifest = read_manifest(folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{folder / MANIFEST} cannot be used.") from error
    names = (manifest.name, manifest.version)
    if manifest.task != task or not all(NAME.fullmatch(name) for name in names):
        raise ModelUnavailable(f"{folder / MANIFEST} does not describe a model for `{task}`.")
    if problems := damage(manifest, folder):
        raise ModelUnavailable(f"The model is incomplete or damaged: {'; '.join(problems)}.")
    return manifest


def _test_run(manifest: Manifest, folder: Path) -> None:
    """Run the model once on a black picture, or on zeros, before it is installed."""
    item = [
        np.zeros(each.item_shape, np.uint8 if each.layout else each.dtype)
        for each in manifest.inputs
    ]
    [outputs] = open_folder(folder, manifest).session().run_all([item])
    if any(each.dtype.kind == "f" and not np.isfinite(each).all() for each in outputs):
        raise ModelUnavailable("The model's output contains infinite numbers or NaN.")


def _check_place(manifest: Manifest, model_dir: Path) -> None:
    """Raise ModelUnavailable if another model is installed under the same name and version, because
    rows identify models by them.
    """
    folder = model_dir / manifest.folder
    if (folder / MANIFEST).exists() and not is_installed(manifest, folder):
        raise ModelUnavailable(
            f"Another model is installed as {manifest.reference}: choose another --version."
        )
