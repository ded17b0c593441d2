"""`python -m migrations [upgrade|check|…]`: Alembic with this folder's configuration."""

import sys
from pathlib import Path

from alembic.config import CommandLine, Config

from common.errors import SettingsError

INI = Path(__file__).with_name("alembic.ini")


def main(arguments: list[str]) -> int:
    """Run an Alembic command; without one, bring the database up to date."""
    command = CommandLine(prog="python -m migrations")
    options = command.parser.parse_args(arguments or ["upgrade", "head"])
    try:
        command.run_cmd(Config(str(INI), cmd_opts=options), options)
    except SettingsError as error:
        print(f"migrations: {error.detail}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
