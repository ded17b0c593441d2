"""Run Alembic with this folder's configuration: `python -m migrations [upgrade|check|…]`.

`python -m migrations wait` returns once another process has migrated the database.
"""

import sys
from pathlib import Path

from alembic.config import CommandLine, Config
from sqlalchemy.exc import DBAPIError

from common.errors import SettingsError
from common.startup_checks import restrict_new_files
from migrations.waiting import wait

INI = Path(__file__).with_name("alembic.ini")


def main(arguments: list[str]) -> int:
    """Run an Alembic command, by default `upgrade head`; return the exit status."""
    restrict_new_files()
    try:
        if arguments == ["wait"]:
            wait(INI)
        else:
            _run(arguments or ["upgrade", "head"])
    except SettingsError as error:
        print(f"migrations: {error.detail}", file=sys.stderr)
        return 1
    except DBAPIError as error:
        if not _is_out_of_reach(error):
            raise
        print(f"migrations: the database cannot be used: {error.orig}", file=sys.stderr)
        return 1
    return 0


def _is_out_of_reach(error: DBAPIError) -> bool:
    """Return whether the database is unreachable, read-only or locked, before any statement ran."""
    return error.statement is None or "readonly" in str(error.orig) or "locked" in str(error.orig)


def _run(arguments: list[str]) -> None:
    command = CommandLine(prog="python -m migrations")
    options = command.parser.parse_args(arguments)
    command.run_cmd(Config(str(INI), cmd_opts=options), options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
