"""The commands of `python -m engine.models`; each returns the process's exit code."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import ModelUnavailable, SettingsError
from common.tasks import all_contracts, contract
from engine.models.add import add
from engine.models.catalogue import Manifest, load_catalogue
from engine.models.defaults import choose, set_default
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import show
from engine.models.pull import TRIES, PullFailed, pull
from engine.models.verification import damage, installed, is_installed
from engine.words.pull import damaged_lists, describe_lists, pull_word_lists

SEARCH = "search"  # the task that uses the word lists


@dataclass(frozen=True, slots=True)
class Order:
    """The folder of the models, and the mirror that they come from (may be empty)."""

    model_dir: Path
    mirror: str


def pull_models(order: Order, tasks: Sequence[str] | None, names: Sequence[str] = ()) -> int:
    """Install the named models of the catalogue, or else the default ones, those of `tasks` or of
    all tasks. A model that cannot be installed is skipped with a message.

    Returns 1 if a model is missing that is named or of a named task, or if all are missing.
    """
    selected = () if names else _known(tasks) or all_contracts()
    wanted = _named(names) if names else _defaults(selected)
    missing = 0
    with show() as progress:
        for model in wanted:
            try:
                # What could not be reached once is tried once for each of the others.
                tries = 1 if missing else TRIES
                folder = pull(model, order.model_dir, order.mirror, progress, tries)
            except PullFailed as error:
                missing += 1
                skipped = f"{model.task}: {model.reference} is skipped. {error.explained}"
                print(f"models: {skipped}", file=sys.stderr)
            else:
                progress.say(f"{model.task}: {model.name} {model.version} is in {folder}")
        if SEARCH in selected:
            pull_word_lists(order.model_dir, order.mirror, progress)
    return 1 if missing and (names or tasks or missing == len(wanted)) else 0


def _defaults(tasks: Collection[str]) -> list[Manifest]:
    return [model for model in load_catalogue() if model.default and model.task in tasks]


def _named(names: Sequence[str]) -> list[Manifest]:
    """Return the models with these names, or with name and version as name@version.

    Raises SettingsError for a name that is not in the catalogue.
    """
    found: dict[str, Manifest] = {}
    for name in names:
        models = [each for each in load_catalogue() if name in (each.name, each.reference)]
        if not models:
            known = ", ".join(each.reference for each in load_catalogue())
            raise SettingsError(f"the catalogue has no model {name}; it has: {known}.")
        found |= {each.reference: each for each in models}
    return list(found.values())


def list_models(order: Order, tasks: Sequence[str] | None) -> int:
    """Print a line for each model of the catalogue, each other installed model, and each word
    list.
    """
    for task in _known(tasks) or _tasks():
        default = _default_of(task, order.model_dir)
        for model in _models(task, order.model_dir):
            here = is_installed(model, order.model_dir / model.folder)
            state = "not installed" if not here else "installed"
            print(
                f"{task:10}{model.reference:44}{model.size / 1e6:6.1f} MB  {model.runtime:11}"
                f"{model.licences:12}{model.sha256[:12]}  {state}"
                f"{', default' if model.reference == default else ''}"
            )
    if not tasks or SEARCH in tasks:
        print("\n".join(describe_lists(order.model_dir)))
    return 0


def verify(order: Order, tasks: Sequence[str] | None) -> int:
    """Read every file of the catalogue's default models for existing tasks, and of all other
    installed models.
    """
    problems = 0
    for task in _known(tasks) or _tasks():
        needed = bool(tasks) or task in all_contracts()
        for model in _models(task, order.model_dir):
            if (needed and model.default) or (order.model_dir / model.folder).exists():
                problems += _verify(model, order.model_dir / model.folder)
    if not tasks or SEARCH in tasks:
        problems += _verify_word_lists(order.model_dir)
    return 1 if problems else 0


def add_model(order: Order, task: str, where: str, description: ModelDescription) -> int:
    """Install a model from a folder or by a TF Hub handle."""
    with show() as progress:
        model = add(contract(task).name, where, description, order.model_dir, progress)
        progress.say(
            f"{task}: {model.reference} is in {order.model_dir / model.folder}\n"
            f"To make it the default: python -m engine.models default {task} {model.reference}"
        )
    return 0


def default(order: Order, task: str, reference: str | None) -> int:
    """Show the default model of `task`, or make the model with this reference the default."""
    _known([task])
    if reference:
        set_default(task, reference, order.model_dir)
    print(f"{task}: {choose(task, order.model_dir).reference} is the default")
    return 0


def _verify(model: Manifest, folder: Path) -> int:
    problems = damage(model, folder)
    if not problems and not is_installed(model, folder):
        problems = [f"{folder} has no model.json of this version"]
    for problem in problems:
        print(f"{model.task}: {problem}")
    summary = _advice(folder) if problems else "all files are right"
    print(f"{model.task}: {model.reference}: {summary}")
    return len(problems)


def _verify_word_lists(model_dir: Path) -> int:
    problems = damaged_lists(model_dir)
    for problem in problems:
        print(f"{SEARCH}: {problem}; run `make models`")
    return len(problems)


def _advice(folder: Path) -> str:
    return f"delete {folder} and run `make models`" if folder.exists() else "run `make models`"


def _models(task: str, model_dir: Path) -> list[Manifest]:
    """Return the catalogue's models of a task and the other installed ones."""
    listed = {model.reference: model for model in load_catalogue() if model.task == task}
    return list((installed(task, model_dir) | listed).values())


def _default_of(task: str, model_dir: Path) -> str | None:
    try:
        return choose(task, model_dir).reference
    except ModelUnavailable:
        return None


def _tasks() -> list[str]:
    """Return all tasks that have a model or could have one."""
    return list(dict.fromkeys([*(model.task for model in load_catalogue()), *all_contracts()]))


def _known(tasks: Sequence[str] | None) -> list[str]:
    if unknown := set(tasks or ()).difference(_tasks()):
        raise SettingsError(f"no model for {', '.join(unknown)}; known: {', '.join(_tasks())}.")
    return list(tasks or ())
