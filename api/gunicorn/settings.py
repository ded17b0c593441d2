"""Settings of the web server: its address, and its processes, threads and connections."""

import errno
import os
import resource
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields

from common.errors import SettingsError
from common.settings import Settings
from common.settings.parsers import count, whole
from common.settings.sources import read_setting, setting

MAX_CONNECTIONS = 1000  # open connections of one process
ADDRESS_SECONDS = 5.0  # to wait for an address that is in use
OTHER_FILES = 256  # file descriptors for the database, the object store and the broker


def port(text: str) -> int:
    """Parse a TCP port; raises ValueError unless it is from 1 to 65535."""
    number = whole(text)
    if not 0 < number < 65536:
        raise ValueError("must be a port from 1 to 65535")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings of the web server, read from the environment."""

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
        """Read every setting; raises SettingsError that names the first invalid variable."""
        return cls(**{each.name: read_setting(environ, each.metadata, "") for each in fields(cls)})

    @property
    def address(self) -> str:
        """The address as `host:port`, with an IPv6 address in brackets, as Gunicorn parses it."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def read_or_exit() -> ServerSettings:
    """Return the settings; exit with a message of one line if a setting is invalid.

    The application's settings are checked too, before any worker starts.
    """
    try:
        Settings.from_env()
        return ServerSettings.from_env()
    except SettingsError as error:
        raise SystemExit(str(error)) from None


def wait_for_address(settings: ServerSettings) -> None:
    """Return once the address is free; a process that is stopping may still hold it.

    Exits with a message of one line if it is not free within ADDRESS_SECONDS.
    """
    if int(os.environ.get("LISTEN_FDS", "0") or "0"):  # systemd passes a socket
        return
    deadline = time.monotonic() + ADDRESS_SECONDS
    while error := _listening_error(settings.host.strip("[]"), settings.port):
        if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
            reason = error.strerror or str(error)
            raise SystemExit(
                f"HOST={settings.host} PORT={settings.port} cannot be listened on: {reason}. "
                "Stop the other process, or set another PORT or HOST."
            )
        time.sleep(0.2)


def _listening_error(host: str, port: int) -> OSError | None:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return error
    return None


def allow_connections() -> int:
    """Raise the soft limit of open files if needed; return how many connections it allows."""
    needed = MAX_CONNECTIONS + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    if infinite not in (soft, hard) and soft < needed:
        soft = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == infinite or soft >= needed:
        return MAX_CONNECTIONS
    return max(soft - OTHER_FILES, soft // 2)
