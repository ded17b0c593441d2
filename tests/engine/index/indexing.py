"""Index `sys.argv[2]` made-up images in the index at `sys.argv[1]`, as an engine does, and print
the process's anonymous memory in MiB after the first thousand and at the end.

A process of its own: what other tests have allocated would hide what this costs.
"""

import random
import sys
import time
from pathlib import Path

import numpy as np

from common.allocator import limit_allocator, release_freed
from common.database.ids import new_id
from engine.index.cache_limits import WRITER_CACHE
from engine.index.documents import Document, ImageFacts, Words, encode, texts_of
from engine.index.schedule import Schedule
from engine.index.store import Index

BATCH = 16
FIRST = 1_008  # images, after which everything is loaded


def made_up(words: Words, number: int) -> Document:
    labels = [(random.choice(words.classes), random.random()) for _ in range(5)]
    caption = " ".join(random.choice(words.classes) for _ in range(3))
    known = ImageFacts(labels=labels, caption=caption, file_name=f"IMG_{number}.jpg")
    return Document(
        id=new_id(),
        owner=None,
        public=True,
        read_at=time.time_ns() // 1_000,
        texts=texts_of(known, words),
        known=encode(known),
        vectors={"net@1": np.random.rand(1_024).astype("<f4").tobytes()},
    )


def memory() -> int:
    """RssAnon in MiB, once what is free has been given back."""
    release_freed()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) >> 10


def main(url: str, count: int) -> None:
    limit_allocator()
    words, index = Words(), Index(url, WRITER_CACHE)
    seconds = 0.0  # a write each second, for the schedule
    schedule = Schedule(lambda: seconds)
    for done in range(0, count, BATCH):
        if done == FIRST:
            print(memory(), flush=True)
        index.write([made_up(words, done + number) for number in range(BATCH)])
        seconds += 1
        schedule.note_write()
        if schedule.is_due():
            index.tidy()
            schedule.note_tidied()
    print(memory(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
