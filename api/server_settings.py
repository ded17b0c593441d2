"""Settings of the web server itself: where it listens, and how many requests it serves at once."""

import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass, fields

from common.errors import SettingsError
from common.settings_parsers import count
from common.settings_reading import read_setting, setting

MAX_CONNECTIONS = 1000  # open connections of one process
OTHER_FILES = 256  # descriptors that are left for the database, the object store and the broker


def port(text: str) -> int:
    """A TCP port from 1 to 65535."""
    number = int(text)
    if not 0 < number < 65536:
        raise ValueError("must be a port from 1 to 65535")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What Gunicorn needs to know."""

    host: str = setting("HOST", "127.0.0.1", "Address to listen on: a name, IPv4 or IPv6.")
    port: int = setting("PORT", "5000", "Port to listen on.", port)
    processes: int = setting("WEB_PROCESSES", "1", "API processes behind the port.", count)
    threads: int = setting("WEB_THREADS", "64", "Threads of one process.", count)
    keep_alive: int = setting(
        "KEEP_ALIVE_SECONDS",
        "75",
        "Seconds that an idle connection stays open; keep it above the proxy's idle time-out.",
        count,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "ServerSettings":
        """Read every setting; raises SettingsError that names the first unusable variable."""
        return cls(**{each.name: read_setting(environ, each.metadata, "") for each in fields(cls)})

    @property
    def address(self) -> str:
        """`host:port` as Gunicorn parses it, with an IPv6 address in brackets."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def read_or_exit() -> ServerSettings:
    """The settings; ends the process with a message of one line when one is unusable."""
    try:
        return ServerSettings.from_env()
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def allow_connections() -> int:
    """Raise the soft limit of open files where that is needed; return how many connections fit."""
    wanted = MAX_CONNECTIONS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    if infinite not in (soft, hard) and soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == infinite or soft >= wanted:
        return MAX_CONNECTIONS
    return max(soft - OTHER_FILES, soft // 2)
