"""The approximate index over the vectors of one table.

The vectors are divided into partitions around centroids (IVF), each vector is stored as one bit a
dimension (RaBitQ), and the best candidates are compared exactly.

Sources: H. Jégou, M. Douze, C. Schmid, IEEE Transactions on Pattern Analysis and Machine
Intelligence 33 (1), 2011 (IVF); J. Gao, C. Long, "RaBitQ", SIGMOD 2024.
"""

from typing import Any

NAME = "vector_"  # of the index; followed by its number of partitions
FLAT = 10_000  # vectors up to which a search compares all of them, which takes 35 ms
ROWS = 1_000  # vectors a partition: a search reads some partitions and compares all centroids
FEWEST, MOST = 128, 4_096  # partitions
GROWTH = 4  # the index is trained again when the table needs this many times its partitions
SAMPLE = 32  # vectors a partition for training, all of which are in memory (128 KiB a partition)
ITERATIONS = 15  # of k-means
BITS = 1  # a dimension; more make the index larger, and REFINE compares exactly anyway
PROBES, REFINE = 16, 3  # partitions that are searched; exact comparisons per result


def partitions_for(rows: int) -> int:
    """Return the number of partitions for a table of this many rows, a power of two."""
    partitions = FEWEST
    while partitions < MOST and 2 * partitions * ROWS <= rows:
        partitions *= 2
    return partitions


def create_if_due(data: Any) -> None:
    """Train the index of a table that has outgrown exact search, or its number of partitions.

    `data` is a Lance dataset with a column `vector`.
    """
    rows = data.count_rows()
    if rows <= FLAT:
        return
    wanted, present = partitions_for(rows), _names(data)
    if any(wanted < GROWTH * _partitions(name) for name in present):
        return
    data.create_index(
        "vector", "IVF_RQ", name=f"{NAME}{wanted}", metric="cosine", num_bits=BITS,
        num_partitions=wanted, sample_rate=SAMPLE, max_iters=ITERATIONS,
    )  # fmt: skip
    for name in present:
        data.drop_index(name)


def _names(data: Any) -> list[str]:
    return [each.name for each in data.describe_indices() if each.field_names == ["vector"]]


def _partitions(name: str) -> int:
    """Return the number of partitions that an index was trained with, which its name ends with."""
    number = name.removeprefix(NAME)
    return int(number) if number.isdecimal() else 0
