"""`python -m engine --tasks classify,outline`: run the engine as a process of its own.

`--except caption` leaves tasks to other engines; unlike `--tasks`, it also serves tasks that a
later version adds.
"""

import argparse
import sys
from collections.abc import Sequence

from common.allocator import limit_allocator
from common.errors import AfterimageError
from common.observability.logs import configure, count_lost_lines
from common.observability.metrics.exporter import exposed
from common.observability.multiprocess import forget_inherited
from common.services import open_services
from common.settings import Settings
from common.startup_checks import restrict_new_files
from common.tasks import all_contracts, contract
from engine.process import Engine, run_until_terminated


def main() -> int:
    """Run until SIGTERM or SIGINT; return 1 if the settings cannot be used."""
    limit_allocator()
    forget_inherited()
    try:
        tasks = _tasks()
        settings = Settings.from_env()
        restrict_new_files()
        configure(settings.log_level, settings.log_format, settings.sentry_dsn)
        with (
            open_services(settings) as services,
            exposed(services.metrics, settings.metrics_port),
        ):
            count_lost_lines(services.metrics.log_lines_lost[()])
            run_until_terminated(Engine(services, tasks))
    except AfterimageError as error:
        print(f"engine: {error.explained}", file=sys.stderr)
        return 1
    return 0


def _tasks(arguments: Sequence[str] | None = None) -> list[str]:
    """Return the tasks that the command line selects; raises InputFault for an unknown task."""
    parser = argparse.ArgumentParser(prog="python -m engine", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--tasks", default=",".join(all_contracts()), help="comma-separated; default: %(default)s"
    )
    which.add_argument(
        "--except", dest="left_out", default="", help="comma-separated; serve all other tasks"
    )
    options = parser.parse_args(arguments)
    left_out = _named(options.left_out)
    return [name for name in _named(options.tasks) if name not in left_out]


def _named(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    return [contract(name, internal=True).name for name in names]


if __name__ == "__main__":
    sys.exit(main())
