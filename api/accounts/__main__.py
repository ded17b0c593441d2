"""`python -m api.accounts create-admin NAME --email ADDRESS | set-role NAME ROLE`: the first admin.

The password is asked for, or read from standard input where that is no terminal.
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
    """0 when it is done; 1, with the reason, when it cannot be."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_env()
        configure(settings.log_level, settings.log_format)
        work = _create_admin if options.verb == "create-admin" else _set_role
        with open_services(settings) as services:
            print(work(services.sessions, options))
    except AfterimageError as error:
        return _failed(error.detail)
    except ValidationError as error:
        wrong = error.normalized_messages()
        return _failed("; ".join(f"{name}: {' '.join(said)}" for name, said in wrong.items()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api.accounts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    create = verbs.add_parser("create-admin", help="open an account that may do everything")
    create.add_argument("name")
    create.add_argument("--email", required=True)
    role = verbs.add_parser("set-role", help="give an account another role")
    role.add_argument("name")
    role.add_argument("role", choices=[str(each) for each in Role])
    return parser


def _create_admin(sessions: Any, options: argparse.Namespace) -> str:
    """Raises ValidationError, and Conflict when the name or the address is taken."""
    given = {"name": options.name, "email": options.email, "password": _password()}
    wanted = OperatorSignUp().load(given)
    hashed = Passwords().hash(wanted.pop("password"))

    def enter(session: Session) -> None:
        about = {"password_hash": hashed, "role": Role.ADMIN}
        queries.open_account(session, new_id(), **wanted, **about)

    transact(sessions, enter)
    security_event("admin created by command", name=wanted["name"])
    return f"{wanted['name']} is an admin"


def _set_role(sessions: Any, options: argparse.Namespace) -> str:
    """Raises NotFound when there is no such account."""

    def write(session: Session) -> str:
        if (found := queries.find_by_name(session, options.name)) is None:
            raise NotFound(f"There is no account named {options.name}.")
        queries.set_role(session, found.id, options.role)
        return str(found.name)

    name = transact(sessions, write)
    security_event("role set by command", name=name, role=options.role)
    return f"{name} has the role {options.role}"


def _password() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("Password of the new admin: ")
    return sys.stdin.readline().rstrip("\r\n")


def _failed(why: str) -> int:
    print(f"people: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
