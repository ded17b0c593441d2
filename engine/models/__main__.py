"""`python -m engine.models pull | list | verify | add | default`: download the models of MODEL_DIR,
list them, verify them, install others, and choose the default of a task. Running engines notice
each change.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from common.errors import AfterimageError
from common.settings import Settings
from common.startup_checks import make_private
from engine.models import commands
from engine.models.catalogue import LOGITS
from engine.models.commands import Order
from engine.models.manifest_from_signature import RANGES, SIDE, ModelDescription


def main() -> int:
    """Return the exit code: 0 on success, 1 if a model is missing or damaged."""
    arguments = _parser().parse_args()
    try:
        run: Callable[[Order, argparse.Namespace], int] = arguments.run
        return run(_order(arguments), arguments)
    except AfterimageError as error:
        print(f"models: {error.explained}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("models: stopped; the next pull continues the download", file=sys.stderr)
        return 130


def _order(arguments: argparse.Namespace) -> Order:
    settings = Settings.from_env()
    make_private(settings.data_dir)
    folder, mirror = arguments.model_dir, arguments.mirror
    return Order(
        model_dir=Path(folder).expanduser().resolve() if folder else settings.model_dir,
        mirror=settings.model_mirror if mirror is None else mirror,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.models", description=__doc__)
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    pull = _command(kinds, "pull", "install missing models of the catalogue", _pull)
    pull.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="NAME or NAME@VERSION from `list`. Default: the default models of all tasks",
    )
    shown = _command(kinds, "list", "list the catalogue and the installed models", _list)
    verify = _command(kinds, "verify", "compare every file with its sha256", _verify)
    for each in (pull, shown, verify):
        each.add_argument(
            "--task",
            action="append",
            help="only models of this task; may be repeated. Default: all tasks",
        )
    _add_add(kinds)
    default = _command(kinds, "default", "show or set the default model of a task", _default)
    default.add_argument("task")
    default.add_argument("model", nargs="?", help="NAME@VERSION; without it, show the default")
    return parser


def _add_add(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    add = _command(kinds, "add", "install a SavedModel, or a folder with a model.json", _add)
    add.add_argument("task")
    add.add_argument("where", help="a folder or a TF Hub handle")
    add.add_argument("--name", default="", help="default: from the end of the path")
    add.add_argument("--version", default="", help="default: from the end of the path, or 1")
    add.add_argument("--licence", default="", help="shown with the model; it is not checked")
    add.add_argument("--signature", default="", help="default: serving_default")
    add.add_argument(
        "--output", default="", help="name of the output, required if there are several"
    )
    add.add_argument("--meaning", default="", choices=[LOGITS, "probabilities"])
    add.add_argument("--pixels", default="0..1", choices=RANGES, help="default: %(default)s")
    add.add_argument("--side", type=int, default=SIDE, help="side of an input without a fixed size")


def _command(
    kinds: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    meaning: str,
    run: Callable[[Order, argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = kinds.add_parser(name, help=meaning, description=meaning)
    parser.add_argument("--model-dir", help="folder of the models (MODEL_DIR)")
    parser.add_argument("--mirror", help="folder or http(s) address with the files (MODEL_MIRROR)")
    parser.set_defaults(run=run)
    return parser


def _pull(order: Order, arguments: argparse.Namespace) -> int:
    return commands.pull_models(order, arguments.task, arguments.models)


def _list(order: Order, arguments: argparse.Namespace) -> int:
    return commands.list_models(order, arguments.task)


def _verify(order: Order, arguments: argparse.Namespace) -> int:
    return commands.verify(order, arguments.task)


def _default(order: Order, arguments: argparse.Namespace) -> int:
    return commands.default(order, arguments.task, arguments.model)


def _add(order: Order, arguments: argparse.Namespace) -> int:
    names = ("name", "version", "licence", "signature", "output", "meaning", "pixels", "side")
    description = ModelDescription(**{name: getattr(arguments, name) for name in names})
    return commands.add_model(order, arguments.task, arguments.where, description)


if __name__ == "__main__":
    sys.exit(main())
