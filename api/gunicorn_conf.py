"""Gunicorn's settings, for the API alone and for standalone.

Used as `gunicorn -c python:api.gunicorn_conf`. Gunicorn reads these names.
"""

import os
from typing import Any

from common import metric_files

bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '5000'}"
worker_class = "api.worker.Worker"
workers = int(os.environ.get("WEB_PROCESSES") or 1)
threads = int(os.environ.get("WEB_THREADS") or 64)  # waiting requests hold a thread each
timeout = 60
graceful_timeout = 20  # no request runs longer once nobody waits any more
keepalive = 30
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112
control_socket_disable = True  # nothing here uses it


def on_starting(server: Any) -> None:
    """Several workers count in one folder, whichever of them is asked for the metrics."""
    metric_files.share_folder(server.cfg.workers)


def child_exit(_server: Any, worker: Any) -> None:
    """What the worker had under way is no more."""
    metric_files.forget(worker.pid)


def on_exit(_server: Any) -> None:
    """The folder goes with the last of them."""
    metric_files.remove_folder()


def worker_exit(_server: Any, worker: Any) -> None:
    """Stop what the application runs, in order, once its last request is answered."""
    from api.app import close

    if getattr(worker, "wsgi", None) is not None:
        close(worker.wsgi)
