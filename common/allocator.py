"""How the C library's allocator behaves in a process of many threads, and freed memory given back.

Only glibc has these calls; elsewhere nothing happens.
"""

import ctypes
import os
from collections.abc import Mapping

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8  # the numbers of glibc's malloc.h
ARENAS = 2
LARGE = 4 * 2**20  # bytes; such a block is mapped by itself and unmapped when it is freed


def limit_allocator(environ: Mapping[str, str] = os.environ) -> None:
    """Keep freed memory from piling up; call it before threads are started.

    By default glibc has up to eight arenas a core, and raises the size from which a block is mapped
    by itself to the largest block freed so far (up to 32 MiB). Buffers of megabytes that one thread
    allocates and another frees then leave holes in every arena. MALLOC_ARENA_MAX and
    MALLOC_MMAP_THRESHOLD_ in the environment are left in force.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    if "MALLOC_ARENA_MAX" not in environ:
        mallopt(M_ARENA_MAX, ARENAS)
    if "MALLOC_MMAP_THRESHOLD_" not in environ:
        mallopt(M_MMAP_THRESHOLD, LARGE)


def release_freed() -> None:
    """Return freed pages to the operating system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
