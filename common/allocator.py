"""Limits on the memory that the C library's allocator (glibc) keeps after it was freed.

By default glibc has up to eight arenas per core, and raises the size from which a block is mapped
by itself to that of the largest block freed so far (up to 32 MiB). Buffers of megabytes that one
thread allocates and another frees then leave holes in every arena: after several threads decoded a
few large images, a process holds gigabytes. With other C libraries these functions do nothing.
"""

import ctypes
import os
from collections.abc import Mapping

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # the numbers of glibc's malloc.h
ARENAS = 2
MMAP_THRESHOLD = 8 << 20  # bytes; larger blocks are returned to the system when they are freed
TRIM_THRESHOLD = 16 << 20  # bytes at the end of the heap that are kept for the next image
OPTIONS = {
    "MALLOC_ARENA_MAX": (M_ARENA_MAX, ARENAS),
    "MALLOC_MMAP_THRESHOLD_": (M_MMAP_THRESHOLD, MMAP_THRESHOLD),
    "MALLOC_TRIM_THRESHOLD_": (M_TRIM_THRESHOLD, TRIM_THRESHOLD),
}


def limit_allocator(environ: Mapping[str, str] = os.environ) -> None:
    """Limit what the process's allocator keeps; call it before threads are started. Options that
    are set in the environment are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    for variable, (option, value) in OPTIONS.items():
        if variable not in environ:
            mallopt(option, value)


def release_freed() -> None:
    """Return freed memory of all arenas to the operating system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
