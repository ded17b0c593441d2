"""Parsing files that are made to take long."""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from common.errors import InputFault
from common.images.formats import read_header, strip_metadata

MOST_SECONDS = 1.5  # of CPU; at most 0.2 on a machine of 2024


@contextmanager
def takes_little_cpu() -> Iterator[None]:
    """Fail if the block takes MOST_SECONDS of CPU or more."""
    began = time.process_time()
    yield
    assert time.process_time() - began < MOST_SECONDS


def parse(data: bytes, codes: Collection[str]) -> None:
    """Read and strip the file; each may be refused with one of `codes` and with no other error."""
    for work in (read_header, strip_metadata):
        try:
            work(data)
        except InputFault as fault:
            assert fault.code in codes
