"""`python -m engine.child`: the engine of standalone. `engine.child.supervisor` starts it."""

import argparse
import os
import socket
import sys

from common.allocator import limit_allocator
from common.broker import Broker
from common.broker.inherited.client import InheritedBroker
from common.errors import SettingsError
from common.observability.crash_traces import ENGINE_CRASH_LOG, crash_log
from common.observability.logs import configure, count_lost_lines
from common.services import open_services
from common.settings import Settings
from common.startup_checks import restrict_new_files
from common.tasks import all_contracts
from engine.child import ACCEPTED, BROKER_OPTION
from engine.child.parent_death import end_with_parent
from engine.process import Engine, run_until_terminated


def main() -> int:
    """Run until SIGTERM, or until the parent ends; return 78 if the settings cannot be used."""
    limit_allocator()
    end_with_parent(sys.stdin.fileno())
    try:
        _run(_inherited_broker())
    except SettingsError as error:
        _answer(error.explained)
        return os.EX_CONFIG
    return 0


def _inherited_broker() -> Broker | None:
    """Return the parent's broker; None if the settings name one that all processes can reach."""
    parser = argparse.ArgumentParser(prog="python -m engine.child", description=__doc__)
    parser.add_argument(BROKER_OPTION, type=int, dest="descriptor", help="a socket of the parent")
    descriptor: int | None = parser.parse_args().descriptor
    return None if descriptor is None else InheritedBroker(socket.socket(fileno=descriptor))


def _run(broker: Broker | None) -> None:
    settings = Settings.from_env()
    restrict_new_files()
    configure(settings.log_level, settings.log_format, settings.sentry_dsn)
    with (
        crash_log(settings.data_dir, ENGINE_CRASH_LOG),
        open_services(settings, broker=broker) as services,
    ):
        count_lost_lines(services.metrics.log_lines_lost[()])
        engine = Engine(services, list(all_contracts()))
        _answer(ACCEPTED)
        run_until_terminated(engine)


def _answer(line: str) -> None:
    """Send the parent a line, which is the only one that it reads."""
    print(line, flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
