"""Choose the model for a prediction: the one that the request names, or the task's default.

The default is the catalogue's model, or the one that MODEL_DIR/defaults.json names: `{"classify":
"name@version"}`. Running engines check whether this file has changed, so the default changes
without a restart.
"""

import fcntl
import json
from pathlib import Path
from typing import Any

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest, default_model, load_catalogue
from engine.models.verification import MANIFEST, damage, installed, read_manifest

DEFAULTS = "defaults.json"

Version = tuple[int, int, int] | None


def defaults_version(model_dir: Path) -> Version:
    """Return a value that differs after each change of a default; costs one stat of a
    small file.
    """
    try:
        status = (model_dir / DEFAULTS).stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def defaults(model_dir: Path) -> dict[str, Any]:
    """Return the chosen references by task; empty without a file, when the catalogue decides.

    Raises ModelUnavailable if the file is invalid, because a guess could use the wrong model.
    """
    try:
        chosen = json.loads((model_dir / DEFAULTS).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{DEFAULTS} in MODEL_DIR cannot be read.") from error
    if not isinstance(chosen, dict):
        raise ModelUnavailable(
            f'{DEFAULTS} in MODEL_DIR is not a JSON object like {{"classify": "name@version"}}.'
        )
    return chosen


def set_default(task: str, reference: str, model_dir: Path) -> Manifest:
    """Make this model the default of `task`; raises ModelUnavailable if it is not installed or
    damaged.
    """
    manifest = choose(task, model_dir, reference)
    if problems := damage(manifest, model_dir / manifest.folder):
        raise ModelUnavailable(f"{reference} cannot be the default: {'; '.join(problems)}.")
    with (model_dir / f"{DEFAULTS}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = defaults(model_dir) | {task: reference}
        part = model_dir / f"{DEFAULTS}.part"
        part.write_text(json.dumps(chosen, indent=2) + "\n")
        part.replace(model_dir / DEFAULTS)
    return manifest


def choose(task: str, model_dir: Path, reference: str | None = None) -> Manifest:
    """Return the manifest of the installed model with this reference, or of the task's default. For
    a model of the catalogue it is the catalogue's manifest, not that in the model's folder.

    Raises ModelUnavailable with a message about what to do.
    """
    chosen = defaults(model_dir) if reference is None else {task: reference}
    if task not in chosen:
        return _catalogue_model(task, model_dir)
    wanted = chosen[task]
    if not isinstance(wanted, str) or not wanted:
        raise ModelUnavailable(
            f"{DEFAULTS} in MODEL_DIR names {json.dumps(wanted)[:100]} as the model of `{task}`; "
            'write "name@version", or remove the entry to use the catalogue\'s model.'
        )
    # Folders are listed: a path must never be built from a request.
    manifests = installed(task, model_dir)
    if wanted not in manifests:
        raise ModelUnavailable(
            f"The model {wanted} of `{task}` is not installed; "
            f"installed: {', '.join(manifests) or 'none'}. See `python -m engine.models list`."
        )
    known = {each.reference: each for each in load_catalogue() if each.task == task}
    return known.get(wanted, manifests[wanted])


def _catalogue_model(task: str, model_dir: Path) -> Manifest:
    """Return the catalogue's own manifest, because the model.json in MODEL_DIR may describe other
    files.
    """
    try:
        model = default_model(task)
    except KeyError:
        raise ModelUnavailable(f"The catalogue has no model for `{task}`.") from None
    try:
        read_manifest(model_dir / model.folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The model of `{task}` is not installed: MODEL_DIR has no {model.folder}. "
            "Run `make models`."
        ) from error
    return model


class InstalledModels:
    """The installed models of a task, for the report that a running engine writes twice a second:
    manifests are only read again after one has changed.
    """

    def __init__(self, task: str, model_dir: Path):
        self._task = task
        self._model_dir = model_dir
        self._seen: list[tuple[str, int]] | None = None
        self._identities: list[dict[str, str]] = []

    def identities(self) -> list[dict[str, str]]:
        """Return the identity of each installed model."""
        try:
            paths = sorted(self._model_dir.glob(f"{self._task}/*/*/{MANIFEST}"))
            seen = [(str(path), path.stat().st_mtime_ns) for path in paths]
        except OSError:
            return (
                self._identities
            )  # a model is being removed: keep the previous list until the next call
        if seen != self._seen:
            manifests = installed(self._task, self._model_dir)
            self._identities = [manifest.identity for manifest in manifests.values()]
            self._seen = seen
        return self._identities
