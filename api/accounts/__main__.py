"""Create an admin or change a role from the command line.

`python -m api.accounts create-admin NAME --email ADDRESS`, or `set-role NAME ROLE`. The password
is prompted for on a terminal, and read from standard input otherwise.
"""

import argparse
import getpass
import sys
from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError
from sqlalchemy.orm import Session

from api.accounts.schemas import OperatorSignUp
from api.accounts.security_log import security_event
from api.login.passwords import Passwords
from common.accounts import queries
from common.database.ids import new_id
from common.database.session import transact
from common.errors import AfterimageError, NotFound
from common.observability.logs import configure
from common.services import open_services
from common.settings import Settings
from common.tables import Role


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 1 after printing why it failed."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        configure(settings.log_level, settings.log_format)
        command = _create_admin if options.command == "create-admin" else _set_role
        with open_services(settings) as services:
            print(command(services.sessions, options))
    except AfterimageError as error:
        return _failed(error.detail)
    except ValidationError as error:
        errors = error.normalized_messages().items()
        return _failed("; ".join(f"{name}: {' '.join(messages)}" for name, messages in errors))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api.accounts", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create-admin", help="create an account with the role admin")
    create.add_argument("name")
    create.add_argument("--email", required=True)
    role = commands.add_parser("set-role", help="change the role of an account")
    role.add_argument("name")
    role.add_argument("role", choices=[str(each) for each in Role])
    return parser


def _create_admin(sessions: Any, options: argparse.Namespace) -> str:
    """Create the account; return the line to print.

    Raises ValidationError for invalid fields, and Conflict if the name or address is taken.
    """
    fields = {"name": options.name, "email": options.email, "password": _read_password()}
    values = OperatorSignUp().load(fields)
    password_hash = Passwords().hash(values.pop("password"))

    def write(session: Session) -> None:
        queries.open_account(
            session, new_id(), **values, password_hash=password_hash, role=Role.ADMIN
        )

    transact(sessions, write)
    security_event("admin created by command", name=values["name"])
    return f"{values['name']} is an admin"


def _set_role(sessions: Any, options: argparse.Namespace) -> str:
    """Change the role; return the line to print. Raises NotFound if no account has the name."""

    def write(session: Session) -> str:
        if (account := queries.find_by_name(session, options.name)) is None:
            raise NotFound(f"No account is named {options.name}.")
        queries.set_role(session, account.id, options.role)
        return str(account.name)

    name = transact(sessions, write)
    security_event("role set by command", name=name, role=options.role)
    return f"{name} has the role {options.role}"


def _read_password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the new admin: ")
    return sys.stdin.readline().rstrip("\r\n")


def _failed(reason: str) -> int:
    print(f"accounts: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
