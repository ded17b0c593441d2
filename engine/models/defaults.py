"""Which model answers: the one that a request names, or else its task's default.

A task's default is the catalogue's model, or the one that MODEL_DIR/defaults.json names:
`{"classify": "name@version"}`. Running engines look whether that file has changed, so the default
changes without a restart.
"""

import fcntl
import json
from pathlib import Path
from typing import Any

from common.errors import ModelUnavailable
from engine.models.catalogue import Manifest, default_model, load_catalogue
from engine.models.verification import MANIFEST, damage, installed, read_manifest

DEFAULTS = "defaults.json"

Stamp = tuple[int, int, int] | None


def stamp(model_dir: Path) -> Stamp:
    """Another one after each change of a default; one stat of a small file."""
    try:
        found = (model_dir / DEFAULTS).stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def defaults(model_dir: Path) -> dict[str, Any]:
    """The references that were chosen, by task; empty without a file, where the catalogue decides.

    Raises ModelUnavailable when the file is broken: guessing would answer with the wrong model.
    """
    try:
        said = json.loads((model_dir / DEFAULTS).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{DEFAULTS} in MODEL_DIR cannot be read.") from error
    if not isinstance(said, dict):
        raise ModelUnavailable(
            f'{DEFAULTS} in MODEL_DIR is not a JSON object like {{"classify": "name@version"}}.'
        )
    return said


def set_default(task: str, reference: str, model_dir: Path) -> Manifest:
    """Let `task` be answered by this model from now on; raises ModelUnavailable when it is not
    installed, or damaged.
    """
    manifest = choose(task, model_dir, reference)
    if wrong := damage(manifest, model_dir / manifest.folder):
        raise ModelUnavailable(f"{reference} cannot be the default: {'; '.join(wrong)}.")
    with (model_dir / f"{DEFAULTS}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        chosen = defaults(model_dir) | {task: reference}
        part = model_dir / f"{DEFAULTS}.part"
        part.write_text(json.dumps(chosen, indent=2) + "\n")
        part.replace(model_dir / DEFAULTS)
    return manifest


def choose(task: str, model_dir: Path, reference: str | None = None) -> Manifest:
    """The manifest of the installed model of this reference, by default of the task's default; of a
    model of the catalogue it is the catalogue's, whatever the model's folder says.

    Raises ModelUnavailable, saying what to do.
    """
    chosen = defaults(model_dir) if reference is None else {task: reference}
    if task not in chosen:
        return _of_the_catalogue(task, model_dir)
    wanted = chosen[task]
    if not isinstance(wanted, str) or not wanted:
        raise ModelUnavailable(
            f"{DEFAULTS} in MODEL_DIR names {json.dumps(wanted)[:100]} as the model of `{task}`; "
            'write "name@version", or remove the entry to use the catalogue\'s model.'
        )
    # Folders are listed, never made of what a request says.
    there = installed(task, model_dir)
    if wanted not in there:
        raise ModelUnavailable(
            f"The model {wanted} of `{task}` is not installed; "
            f"there is {', '.join(there) or 'none'}: see `python -m engine.models list`."
        )
    known = {each.reference: each for each in load_catalogue() if each.task == task}
    return known.get(wanted, there[wanted])


def _of_the_catalogue(task: str, model_dir: Path) -> Manifest:
    """The catalogue's own manifest: the model.json in MODEL_DIR cannot vouch for other files."""
    try:
        model = default_model(task)
    except KeyError:
        raise ModelUnavailable(f"The catalogue has no model for `{task}`.") from None
    try:
        read_manifest(model_dir / model.folder)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The model of `{task}` is not installed: there is no {model.folder} in MODEL_DIR. "
            "Run `make models`."
        ) from error
    return model


class InstalledModels:
    """What is installed for a task, for the report that a running engine gives twice a second: a
    manifest is read again only when one has changed.
    """

    def __init__(self, task: str, model_dir: Path):
        self._task = task
        self._model_dir = model_dir
        self._seen: list[tuple[str, int]] | None = None
        self._identities: list[dict[str, str]] = []

    def identities(self) -> list[dict[str, str]]:
        """The identity of each installed model."""
        try:
            paths = sorted(self._model_dir.glob(f"{self._task}/*/*/{MANIFEST}"))
            seen = [(str(path), path.stat().st_mtime_ns) for path in paths]
        except OSError:
            return self._identities  # one is being removed: as before, until the next look
        if seen != self._seen:
            there = installed(self._task, self._model_dir)
            self._identities = [manifest.identity for manifest in there.values()]
            self._seen = seen
        return self._identities
