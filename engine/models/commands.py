"""What `python -m engine.models` does; each returns the process's exit code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import ModelUnavailable, SettingsError
from common.tasks import all_contracts, contract
from engine.models.add import add
from engine.models.catalogue import Manifest, load_catalogue
from engine.models.defaults import choose, set_default
from engine.models.manifest_from_signature import Said
from engine.models.progress import show
from engine.models.pull import pull
from engine.models.verification import damage, installed, is_installed


@dataclass(frozen=True, slots=True)
class Order:
    """Where the models are and come from."""

    model_dir: Path
    mirror: str


def pull_models(order: Order, tasks: Sequence[str] | None) -> int:
    """Install the catalogue's models that are missing."""
    wanted = _known(tasks) or all_contracts()
    with show() as progress:
        for model in load_catalogue():
            if model.task in wanted:
                folder = pull(model, order.model_dir, order.mirror, progress)
                progress.say(f"{model.task}: {model.name} {model.version} is in {folder}")
    return 0


def list_models(order: Order, tasks: Sequence[str] | None) -> int:
    """A line each of the catalogue's and of the installed models."""
    for task in _known(tasks) or _tasks():
        default = _default_of(task, order.model_dir)
        for model in _models(task, order.model_dir):
            here = is_installed(model, order.model_dir / model.folder)
            state = "not installed" if not here else "installed"
            print(
                f"{task:10}{model.reference:44}{model.size / 1e6:6.1f} MB  {model.runtime:11}"
                f"{model.licence:12}{model.sha256[:12]}  {state}"
                f"{', default' if model.reference == default else ''}"
            )
    return 0


def verify(order: Order, tasks: Sequence[str] | None) -> int:
    """Read every file: of the catalogue's models for the tasks there are, and of what else is
    installed.
    """
    wrong = 0
    for task in _known(tasks) or _tasks():
        needed = bool(tasks) or task in all_contracts()
        for model in _models(task, order.model_dir):
            if needed or (order.model_dir / model.folder).exists():
                wrong += _verify(model, order.model_dir / model.folder)
    return 1 if wrong else 0


def add_model(order: Order, task: str, where: str, said: Said) -> int:
    """Install a folder or a TF Hub handle."""
    with show() as progress:
        model = add(contract(task).name, where, said, order.model_dir, progress)
        progress.say(
            f"{task}: {model.reference} is in {order.model_dir / model.folder}\n"
            f"To let it answer: python -m engine.models default {task} {model.reference}"
        )
    return 0


def default(order: Order, task: str, reference: str | None) -> int:
    """Show which model answers `task`, or let the one of this reference do so."""
    _known([task])
    if reference:
        set_default(task, reference, order.model_dir)
    print(f"{task}: {choose(task, order.model_dir).reference} is the default")
    return 0


def _verify(model: Manifest, folder: Path) -> int:
    found = damage(model, folder)
    if not found and not is_installed(model, folder):
        found = [f"{folder} has no model.json of this version"]
    for problem in found:
        print(f"{model.task}: {problem}")
    about = _advice(folder) if found else "all files are right"
    print(f"{model.task}: {model.reference}: {about}")
    return len(found)


def _advice(folder: Path) -> str:
    return f"delete {folder} and run `make models`" if folder.exists() else "run `make models`"


def _models(task: str, model_dir: Path) -> list[Manifest]:
    """The catalogue's model of a task, then the others that are installed."""
    listed = {model.reference: model for model in load_catalogue() if model.task == task}
    return list((installed(task, model_dir) | listed).values())


def _default_of(task: str, model_dir: Path) -> str | None:
    try:
        return choose(task, model_dir).reference
    except ModelUnavailable:
        return None


def _tasks() -> list[str]:
    """All that have a model or could have one."""
    return list(dict.fromkeys([*(model.task for model in load_catalogue()), *all_contracts()]))


def _known(tasks: Sequence[str] | None) -> list[str]:
    if unknown := set(tasks or ()).difference(_tasks()):
        raise SettingsError(f"no model for {', '.join(unknown)}; known: {', '.join(_tasks())}.")
    return list(tasks or ())
