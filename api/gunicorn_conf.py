"""Gunicorn's settings, for the API alone and for standalone.

Used as `gunicorn -c python:api.gunicorn_conf`. Gunicorn reads the names of this module.
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
threads = _settings.threads  # waiting requests hold a thread each
worker_connections = allow_connections()
timeout = 60
graceful_timeout = 20  # no request runs longer once nobody waits any more
keepalive = _settings.keep_alive
# Headers of the client decide neither the scheme nor SCRIPT_NAME, from loopback either: what
# proxies say is read by the application, and only as far as TRUSTED_PROXIES goes.
forwarder_headers = ""
forwarded_allow_ips = ""
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None
sendfile = False  # answers go out through the worker, which waits for slow clients
control_socket_disable = True  # nothing here uses it


def on_starting(server: Any) -> None:
    """Several workers count in one folder, whichever of them is asked for the metrics."""
    if not server.master_pid:  # a new arbiter (SIGUSR2) takes the sockets of the old one
        wait_for_address(_settings)
    multiprocess.share_folder(server.cfg.workers)


def nworkers_changed(server: Any, new: int, old: int | None) -> None:
    """Ignore SIGTTIN and SIGTTOU: the number of processes is a setting.

    Standalone can only be one process, and processes that join later would not share the metrics.
    """
    if old is not None and new != server.cfg.workers:
        server.log.warning("The number of processes is WEB_PROCESSES; signals do not change it.")
        server.num_workers = server.cfg.workers


def child_exit(_server: Any, worker: Any) -> None:
    """What the worker had under way is no more."""
    multiprocess.forget(worker.pid)


def on_exit(_server: Any) -> None:
    """The folder goes with the last of them."""
    multiprocess.remove_folder()


def worker_exit(_server: Any, worker: Any) -> None:
    """Stop what the application runs, in order, once its last request is answered."""
    from api.app import close

    if getattr(worker, "wsgi", None) is not None:
        close(worker.wsgi)
