"""Metrics of several processes behind one address: they count in files of one folder.

prometheus_client reads the folder from the environment when it is first imported, so it has to
stand there before, and nothing here may import it until then.
"""

import os
import shutil
import tempfile
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_folder(processes: int) -> None:
    """Before the first import: have a new folder, if there will be several processes."""
    if processes > 1:
        parent = "/dev/shm" if Path("/dev/shm").is_dir() else None
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="afterimage-metrics-", dir=parent)


def forget(process: int) -> None:
    """A process is gone: what it had under way is no more; what it counted stays."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(process)


def remove_folder() -> None:
    """All processes are gone."""
    if folder := os.environ.pop(FOLDER, ""):
        shutil.rmtree(folder, ignore_errors=True)
