"""Settings of the C library's allocator (glibc; no effect elsewhere).

By default glibc creates up to eight arenas per core, and raises its mmap threshold when a large
block is freed, so that it keeps such blocks. After a few large images decoded in several threads a
process holds gigabytes.
"""

import ctypes

ARENAS = 2
MMAP_THRESHOLD = 8 << 20  # bytes; larger blocks are returned to the system when freed
TRIM_THRESHOLD = 32 << 20  # bytes kept at the end of the heap for the next picture

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def limit_arenas() -> None:
    """Configure the allocator for the whole process; call it before threads are started."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)


def give_back() -> None:
    """Return the free memory of all arenas to the system."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
