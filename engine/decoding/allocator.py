"""What the C library's allocator does with memory that is free again (glibc; elsewhere nothing).

By default glibc makes up to eight arenas a core and learns from a large block that was freed to
keep the next one: after a few large images decoded in several threads a process holds gigabytes.
"""

import ctypes

ARENAS = 2
MMAP_THRESHOLD = 8 << 20  # bytes; larger blocks are returned when they are freed
TRIM_THRESHOLD = 32 << 20  # bytes at the end of the heap that are kept for the next picture

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def limit_arenas() -> None:
    """Set the allocator for the whole process; call it before threads are started."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD)


def give_back() -> None:
    """Return free memory to the system, of all arenas."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
