"""Installing a model that is not of the catalogue: a folder, or a handle of TF Hub.

A folder with a model.json is installed as that says. A SavedModel's manifest is made of its
signature and what the caller knows of it. `pull` copies the files: compared, all or nothing.
"""

from pathlib import Path

import numpy as np

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest
from engine.models.loader import open_folder
from engine.models.manifest_from_signature import GRAPH, NAME, Said, describe
from engine.models.progress import Progress
from engine.models.pull import pull
from engine.models.sources import without_password
from engine.models.verification import MANIFEST, damage, is_installed, read_manifest


def add(task: str, where: str, said: Said, model_dir: Path, progress: Progress) -> Manifest:
    """Install the model in the folder or of the handle `where`; the same one again is no error.

    Raises ModelUnavailable when there is none, or nothing that `task` could use; SettingsError for
    what the caller says and cannot be.
    """
    folder = resolve(where) if "://" in where else Path(where).expanduser().resolve()
    if (folder / MANIFEST).is_file():
        manifest = _as_it_says(task, folder)
    elif (folder / GRAPH).is_file():
        manifest = describe(task, folder, where, said)
    else:
        raise ModelUnavailable(f"{where} has neither {MANIFEST} nor {GRAPH}.")
    _check_place(manifest, model_dir)
    _try(manifest, folder)
    pull(manifest, model_dir, str(folder), progress)
    return manifest


def resolve(handle: str) -> Path:
    """The folder that tensorflow_hub makes of a handle: downloaded, unpacked, and kept in
    TFHUB_CACHE_DIR. Raises ModelUnavailable.
    """
    try:
        import tensorflow_hub
    except ImportError as error:
        raise ModelUnavailable(
            "A handle needs tensorflow_hub: pip install 'afterimage[tensorflow]'."
        ) from error
    try:
        return Path(tensorflow_hub.resolve(handle))
    except Exception as error:
        # Whatever its resolvers and their libraries raise: it has no class of its own for it.
        address = without_password(handle)
        raise ModelUnavailable(f"{address} cannot be fetched.") from error


def _as_it_says(task: str, folder: Path) -> Manifest:
    try:
        manifest = read_manifest(folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{folder / MANIFEST} cannot be used.") from error
    names = (manifest.name, manifest.version)
    if manifest.task != task or not all(NAME.fullmatch(name) for name in names):
        raise ModelUnavailable(f"{folder / MANIFEST} is not of a model for `{task}`.")
    if wrong := damage(manifest, folder):
        raise ModelUnavailable(f"The model is incomplete or damaged: {'; '.join(wrong)}.")
    return manifest


def _try(manifest: Manifest, folder: Path) -> None:
    """Let it answer once, for a black picture, before it is installed."""
    black = np.zeros(manifest.input.shape[1:], np.uint8)
    [output] = open_folder(folder, manifest).session().run([black])
    if output.dtype.kind == "f" and not np.isfinite(output).all():
        raise ModelUnavailable("It answers with numbers that are none: infinite, or NaN.")


def _check_place(manifest: Manifest, model_dir: Path) -> None:
    """Rows tell models apart by name and version: what is installed is not replaced by another."""
    folder = model_dir / manifest.folder
    if (folder / MANIFEST).exists() and not is_installed(manifest, folder):
        raise ModelUnavailable(
            f"{manifest.reference} is installed already, and is another: give it another --version."
        )
