"""The frame of the engine's command-line programs: settings, logs, services, and error messages."""

import sys
from collections.abc import Callable

from common.errors import AfterimageError
from common.observability.logs import configure
from common.services import Services, open_services
from common.settings import Settings


def run_program(name: str, work: Callable[[Services], int], log_level: str | None = None) -> int:
    """Run `work` with services from the environment and return its exit code.

    An error is printed on stderr, and the exit code is then 1. `log_level` replaces the setting.
    """
    try:
        settings = Settings.from_env()
        configure(log_level or settings.log_level, settings.log_format)
        with open_services(settings) as services:
            return work(services)
    except AfterimageError as error:
        print(f"{name}: {error.explained}", file=sys.stderr)
        return 1
