"""Files with allocated blocks, in which processes that share a folder count.

prometheus_client maps sparse files: on a full file system the first write to a new page would end
the process with SIGBUS. Allocating all blocks raises OSError when the file is created instead.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from common.observability.multiprocess import FOLDER

SIZE = 1 << 16  # bytes of a new file; the library's own value
LOCK = "lock"


class AllocatedDict(MmapedDict):
    """The library's file-backed dict, with allocated blocks. Raises OSError if the disk is full."""

    def __init__(self, filename: str, read_mode: bool = False):
        if not read_mode:
            _allocate(filename)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + 32
        capacity = self._capacity
        while needed > capacity:
            capacity *= 2
        if capacity > self._capacity:
            os.posix_fallocate(self._f.fileno(), 0, capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


class Dropped:
    """Replaces a metric whose file cannot be created, and ignores all values."""

    def _nothing(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    inc = dec = set = observe = _nothing


def allocate_files() -> None:
    """Make the library create allocated files if processes share a folder; otherwise make it count
    in memory.

    The library decides by the environment when it is imported; what counts is the environment now.
    """
    if os.environ.get(FOLDER):
        values.MmapedDict = AllocatedDict  # type: ignore[attr-defined]
        if not values.ValueClass._multiprocess:
            values.ValueClass = values.MultiProcessValue()
    else:
        values.ValueClass = values.MutexValue


@contextmanager
def locked(folder: Path, kind: int, seconds: float) -> Iterator[bool]:
    """Hold the folder's lock (LOCK_SH or LOCK_EX) if it is free within `seconds`; yields whether
    it is held.
    """
    until = time.monotonic() + seconds
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _acquired(descriptor, kind, until)
    finally:
        os.close(descriptor)


def _acquired(descriptor: int, kind: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)


def _allocate(filename: str) -> None:
    descriptor = os.open(filename, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(descriptor).st_size == 0:
            os.posix_fallocate(descriptor, 0, SIZE)
    except OSError:
        Path(filename).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
