"""Metrics of several processes behind one address: they count in files of one folder.

prometheus_client reads the folder's name from the environment when it is first imported, so it has
to be there before, and nothing here may import the library until then. Whatever fails here costs
metrics, never a process.
"""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "afterimage-metrics-"
OWNER = "owner"  # locked as long as a process of the folder lives


def share_folder(processes: int) -> None:
    """Before the first import: make a new folder, if there will be several processes.

    Without a place for it each process counts for itself. A folder that the environment names is
    not used: its files may be another program's.
    """
    forget_inherited()
    if processes < 2:
        return
    for parent in ("/dev/shm", tempfile.gettempdir()):
        with contextlib.suppress(OSError):
            _remove_abandoned(Path(parent).glob(f"{PREFIX}*"))
            folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
            _lock(os.open(Path(folder, OWNER), os.O_RDWR | os.O_CREAT, 0o600))  # never closed
            os.environ[FOLDER] = folder
            return
    print("metrics: no folder can be made; each process counts for itself", file=sys.stderr)


def forget_inherited() -> None:
    """Remove the folder's name from the environment, in both spellings that the library reads."""
    for name in (FOLDER, FOLDER.lower()):
        os.environ.pop(name, None)


def forget(process: int) -> None:
    """A process has ended: add what it counted to the other dead ones' and remove its files."""
    if folder := os.environ.get(FOLDER):
        from common.observability.metrics.dead_processes import merge

        try:
            merge(Path(folder))
        except Exception as error:
            print(f"metrics: process {process} was not merged: {error}", file=sys.stderr)


def remove_folder() -> None:
    """Remove the folder; all processes have ended."""
    if folder := os.environ.pop(FOLDER, ""):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(folders: Iterable[Path]) -> None:
    """What services that were killed have left."""
    for folder in folders:
        with contextlib.suppress(OSError), (folder / OWNER).open("r+") as owner:
            _lock(owner.fileno())
            shutil.rmtree(folder, ignore_errors=True)


def _lock(descriptor: int) -> None:
    """Raises OSError when another process holds the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
