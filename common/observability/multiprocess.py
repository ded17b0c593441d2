"""Metrics of several processes behind one address, counted in files of a shared folder.

prometheus_client reads the folder's name from the environment when it is first imported. So the
name must be set before, and this module must not import the library. Failures here lose metrics but
never stop a process.
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
OWNER = "owner"  # locked while a process that uses the folder is running


def share_folder(processes: int) -> None:
    """Create a folder for the metrics of several processes; call it before the library's import.

    If no folder can be created, each process counts for itself. A folder that the environment names
    already is not used, because its files may belong to another program.
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
    print("metrics: no folder can be created; each process counts for itself", file=sys.stderr)


def forget_inherited() -> None:
    """Remove the folder's name from the environment, under both names that the library reads."""
    for name in (FOLDER, FOLDER.lower()):
        os.environ.pop(name, None)


def forget(process: int) -> None:
    """Add the counts of an ended process to the sums of dead processes, and remove its files."""
    if folder := os.environ.get(FOLDER):
        from common.observability.metrics.dead_processes import merge

        try:
            merge(Path(folder))
        except Exception as error:
            print(f"metrics: process {process} was not merged: {error}", file=sys.stderr)


def remove_folder() -> None:
    """Remove the folder, after all processes have ended."""
    if folder := os.environ.pop(FOLDER, ""):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(folders: Iterable[Path]) -> None:
    """Remove the folders of services that were killed."""
    for folder in folders:
        with contextlib.suppress(OSError), (folder / OWNER).open("r+") as owner:
            _lock(owner.fileno())
            shutil.rmtree(folder, ignore_errors=True)


def _lock(descriptor: int) -> None:
    """Lock the file; raises OSError if another process holds the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
