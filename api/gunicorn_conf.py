"""Gunicorn's configuration, for the API process and for standalone.

Pass it as `gunicorn -c python:api.gunicorn_conf`. Gunicorn reads the names of this module.
"""

import os
from typing import Any

from api.gunicorn.settings import allow_connections, read_or_exit, wait_for_address
from common.observability import multiprocess

_settings = read_or_exit()

bind = _settings.address
worker_class = "api.gunicorn.worker.Worker"
logger_class = "api.gunicorn.logging.Logger"
workers = _settings.processes
threads = _settings.threads  # each waiting request holds one
worker_connections = allow_connections()
timeout = 60
graceful_timeout = 20  # seconds; at shutdown, waiting requests are answered at once
keepalive = _settings.keep_alive
# Gunicorn itself takes neither the scheme nor SCRIPT_NAME from request headers, not even from
# loopback: the application reads forwarding headers, and only those of TRUSTED_PROXIES.
forwarder_headers = ""
forwarded_allow_ips = ""
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
sendfile = False  # responses go through the worker, which waits for slow clients
control_socket_disable = True  # unused


def on_starting(server: Any) -> None:
    """Wait for the address, and create the folder in which the workers share their metrics."""
    if not server.master_pid:  # after SIGUSR2, the new arbiter inherits the sockets
        wait_for_address(_settings)
    multiprocess.share_folder(server.cfg.workers)


def nworkers_changed(server: Any, new: int, old: int | None) -> None:
    """Ignore SIGTTIN and SIGTTOU: only WEB_PROCESSES sets the number of processes.

    Standalone must have one worker, and workers added later would not share the metrics.
    """
    if old is not None and new != server.cfg.workers:
        server.log.warning(
            "Ignored the signal: set WEB_PROCESSES to change the number of processes."
        )
        server.num_workers = server.cfg.workers


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the gauges of a worker that has exited, such as its requests in progress."""
    multiprocess.forget(worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the metrics folder."""
    multiprocess.remove_folder()


def worker_exit(_server: Any, worker: Any) -> None:
    """Close the application after its last request, in the worker."""
    from api.app import close

    if getattr(worker, "wsgi", None) is not None:
        close(worker.wsgi)
