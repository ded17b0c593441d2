"""Private servers for the tests and the bench: MariaDB or MySQL, and RabbitMQ.

Each runs on free loopback ports, keeps everything in one folder, and ends with whoever started it.
Which tests use them is `tests/support/servers/backends.py`'s business.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.servers.programs import (
    HeldProgram,
    RunningServer,
    answers,
    find_program,
    free_ports,
)

__all__ = [
    "RunningServer",
    "answers",
    "find_program",
    "free_ports",
    "mariadb_program",
    "rabbitmq_program",
    "start_mariadb",
    "start_rabbitmq",
]

AMQP_HEADER = b"AMQP\0\0\x09\x01"
USER = PASSWORD = DATABASE = "afterimage"
MARIADB_INSTALL = (
    "--no-defaults --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve"
    " --innodb-log-file-size=16M"
)

NOT_DURABLE = ["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-innodb-doublewrite"]


def mariadb_program() -> str | None:
    """MariaDB's server program, or MySQL's where there is no other."""
    return find_program("mariadbd", "mysqld")


def rabbitmq_program() -> str | None:
    """RabbitMQ's start script; the one in Debian's PATH would switch to another user."""
    return find_program("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")


def start_mariadb(
    folder: Path, durable: bool = True, more_options: Sequence[str] = ()
) -> RunningServer:
    """MariaDB, or MySQL, with its durable defaults, one user and one utf8mb4 database.

    Without `durable`, a commit does not wait for the disk: for tests that never kill the server.
    `more_options` replace those of the same name.
    """
    program = mariadb_program()
    if program is None:
        raise RuntimeError("neither mariadbd nor mysqld is installed here")
    folder.mkdir(parents=True, exist_ok=True)
    [port] = free_ports(1)
    # A server that starts deletes the temporary tables of all others with the same folder for them.
    (folder / "tmp").mkdir(exist_ok=True)
    base = [f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'tmp'}"]
    base += ["--user=root"] if os.geteuid() == 0 else []
    is_mariadb = b"MariaDB" in subprocess.check_output([program, "--version"])
    install = (
        ["mariadb-install-db", *MARIADB_INSTALL.split()]
        if is_mariadb
        else [program, "--no-defaults", "--initialize-insecure"]
    )
    options = [*_mariadb_options(folder, port, is_mariadb), *([] if durable else NOT_DURABLE)]
    command = [program, "--no-defaults", *base, *options, *more_options]
    url = f"mysql+pymysql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}?charset=utf8mb4"
    return RunningServer(url, port, folder, command, os.environ, [*install, *base]).start()


def _mariadb_options(folder: Path, port: int, is_mariadb: bool) -> list[str]:
    # The init file runs at every start, before the first connection is served.
    (folder / "init.sql").write_text(
        f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;\n"
        f"CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
    )
    return [
        f"--port={port}",
        f"--pid-file={folder / 'server.pid'}",
        f"--init-file={folder / 'init.sql'}",
        *["--bind-address=127.0.0.1", "--socket=", "--skip-name-resolve"],
        *["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"],
        "--innodb-log-file-size=16M" if is_mariadb else "--mysqlx=OFF",
    ]


class RabbitServer(RunningServer):
    """RabbitMQ needs Erlang's port mapper: this one is its own, so the machine's is left alone."""

    _mapper: HeldProgram | None = None

    def start(self) -> Self:
        if self._mapper is None:
            port = ["-port", self.environment["ERL_EPMD_PORT"]]
            self._mapper = self._hold(["epmd", "-address", "127.0.0.1", *port])
        return super().start()

    def _end(self, number: int) -> None:
        super()._end(number)
        if self._mapper is not None:
            self._mapper.end(signal.SIGKILL)
        self._mapper = None


def start_rabbitmq(folder: Path) -> RunningServer:
    """RabbitMQ with its default virtual host and user, for connections from this machine."""
    program = rabbitmq_program()
    if program is None:
        raise RuntimeError("rabbitmq-server is not installed here")
    folder.mkdir(parents=True, exist_ok=True)
    port, distribution_port, mapper_port = free_ports(3)
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\nlog.file.level = warning\nlog.console = false\n"
    )
    (folder / "nothing").touch()
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "RABBITMQ_NODENAME": "test@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "nothing"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "nothing"),
        "RABBITMQ_DIST_PORT": str(distribution_port),
        "RABBITMQ_MAX_NUMBER_OF_PROCESSES": "65536",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # Lets the start script become the server, so that its pid is the server's.
        "RABBITMQ_ALLOW_INPUT": "1",
        "RABBITMQ_SERVER_START_ARGS": "-noinput",
        "ERL_EPMD_PORT": str(mapper_port),
    }
    url = f"amqp://guest:guest@127.0.0.1:{port}/%2F"
    prepare = ["mkdir", str(folder / "data")]
    return RabbitServer(url, port, folder, [program], environment, prepare, AMQP_HEADER).start()
