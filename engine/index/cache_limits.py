"""The memory that the index costs a process: the sizes of its caches, and Arrow's allocator."""

INDEX_CACHE = 128 * 2**20  # bytes of indexes that a searching process keeps
WRITER_CACHE = 32 * 2**20  # the same for a writing process, which reads few of them
METADATA_CACHE = 16 * 2**20  # bytes of manifests; every write makes one, and the default is 1 GiB


def use_system_allocator() -> None:
    """Let Arrow allocate with malloc.

    Its default, mimalloc, keeps the pages that another thread frees. Each written batch is
    allocated here and freed by LanceDB's threads: that cost 40 MiB per 1,000 documents.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
