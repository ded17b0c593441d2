"""DATABASE_URL: the supported databases, and checks of their addresses."""

import inspect
from pathlib import Path

from pymysql.connections import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

EXPECTED = (
    "must be sqlite:///<file> or mysql+pymysql://user:password@host:port/name, with special "
    "characters of user and password percent-encoded"
)
MYSQL = {"mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"}  # all of them PyMySQL, by name
TLS_FILES = ("ssl_ca", "ssl_cert", "ssl_key")


def database_address(text: str) -> str:
    """Return the address with the driver's name in its scheme.

    Raises ValueError if it is invalid; the message never repeats the address, which holds a
    password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError(EXPECTED) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return text
    if url.drivername not in MYSQL:
        raise ValueError(EXPECTED)
    if not url.database:
        raise ValueError(f"the name of the database is missing; it {EXPECTED}")
    _check_options(url)
    return url.set(drivername="mysql+pymysql").render_as_string(hide_password=False)


def _check_options(url: URL) -> None:
    """Raise ValueError for options that PyMySQL would reject at every connection, in errors that do
    not name the setting.
    """
    known = set(inspect.signature(Connection).parameters) | {"ssl"}
    if unknown := sorted(set(url.query) - known):
        raise ValueError(f"PyMySQL has no option {', '.join(unknown)}")
    for name in TLS_FILES:
        path = url.query.get(name)
        if isinstance(path, str) and not Path(path).is_file():
            raise ValueError(f"the file {path} ({name}) does not exist")
