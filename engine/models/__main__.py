"""`python -m engine.models pull | list | verify`: bring the models of MODEL_DIR, show them, check
them.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import AfterimageError, SettingsError
from common.settings import Settings
from common.tasks import contracts
from engine.models.catalogue import Manifest, load_catalogue
from engine.models.installed import damage, is_installed
from engine.models.progress import show
from engine.models.pull import pull


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for on the command line."""

    models: Sequence[Manifest]
    model_dir: Path
    mirror: str


def main() -> int:
    """The process's exit code: 0 when all is well, 1 when a model is missing or damaged."""
    arguments = _parse()
    try:
        return _COMMANDS[arguments.command](_order(arguments))
    except AfterimageError as error:
        print(f"models: {error.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("models: stopped; the next pull goes on from here", file=sys.stderr)
        return 130


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m engine.models", description=__doc__)
    parser.add_argument(
        "command",
        choices=_COMMANDS,
        help="pull: install what is missing; list: show the catalogue; verify: read and compare",
    )
    parser.add_argument(
        "--task",
        action="append",
        help="only this task's model; may be repeated. Default: every task there is",
    )
    parser.add_argument("--model-dir", help="folder of the models (MODEL_DIR)")
    parser.add_argument("--mirror", help="folder or http(s) address with the files (MODEL_MIRROR)")
    return parser.parse_args()


def _order(arguments: argparse.Namespace) -> Order:
    settings = Settings.from_env()
    folder, mirror = arguments.model_dir, arguments.mirror
    return Order(
        models=_chosen(arguments.task, arguments.command),
        model_dir=Path(folder).expanduser().resolve() if folder else settings.model_dir,
        mirror=settings.model_mirror if mirror is None else mirror,
    )


def _chosen(tasks: Sequence[str] | None, command: str) -> list[Manifest]:
    catalogue = load_catalogue()
    known = [model.task for model in catalogue]
    if unknown := set(tasks or ()).difference(known):
        raise SettingsError(f"no model for {', '.join(unknown)}; known: {', '.join(known)}.")
    wanted = tasks or (known if command == "list" else contracts())
    return [model for model in catalogue if model.task in wanted]


def _pull(order: Order) -> int:
    with show() as progress:
        for model in order.models:
            folder = pull(model, order.model_dir, order.mirror, progress)
            progress.say(f"{model.task}: {model.name} {model.version} is in {folder}")
    return 0


def _list(order: Order) -> int:
    for model in order.models:
        here = is_installed(model, order.model_dir / model.folder)
        print(
            f"{model.task:10}{model.name:34}{model.version:10}{model.size / 1e6:6.1f} MB  "
            f"{model.runtime}  {model.licence}  {'installed' if here else 'not installed'}"
        )
    return 0


def _verify(order: Order) -> int:
    wrong = 0
    for model in order.models:
        folder = order.model_dir / model.folder
        found = damage(model, folder)
        if not found and not is_installed(model, folder):
            found = [f"{folder} has no model.json of this version"]
        wrong += len(found)
        for problem in found:
            print(f"{model.task}: {problem}")
        print(f"{model.task}: {_advice(folder) if found else 'all files are right'}")
    return 1 if wrong else 0


def _advice(folder: Path) -> str:
    return f"delete {folder} and run `make models`" if folder.exists() else "run `make models`"


_COMMANDS: dict[str, Callable[[Order], int]] = {"pull": _pull, "list": _list, "verify": _verify}

if __name__ == "__main__":
    sys.exit(main())
