"""Limits on the memory of the index: the sizes of its caches, and Arrow's allocator."""

INDEX_CACHE = 128 * 2**20  # bytes of indexes cached by a searching process
WRITER_CACHE = 32 * 2**20  # the same for a writing process, which reads few indexes
METADATA_CACHE = 16 * 2**20  # bytes of manifests; each write creates one, and the default is 1 GiB


def use_system_allocator() -> None:
    """Make Arrow allocate with malloc.

    Its default allocator, mimalloc, keeps pages that another thread frees. Each written batch is
    allocated here and freed by LanceDB's threads, which took 40 MiB per 1,000 documents.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
