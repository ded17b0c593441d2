"""Builds the index that `python -m bench.search` searches, and the rows of its images.

The index is written as an engine writes it, by `Index.write` and `Index.tidy`, in batches; the
documents are made by other processes, so that this one's CPU time is what the index costs. No
document is kept: the memory is that of a few batches, however many images there are.
"""

import base64
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import datetime
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from sqlalchemy import Connection, create_engine, insert

from bench.gallery import DIMENSIONS, MODEL, Gallery
from common.allocator import limit_allocator
from common.database.ids import new_id
from common.tables import Image, Prediction, State, StoredObject
from engine.index.cache_limits import WRITER_CACHE
from engine.index.documents import Document
from engine.index.schedule import WRITES
from engine.index.store import Index

AT_ONCE = 1_000  # documents that are written together
MAKERS = 2  # processes that make documents
EMBEDDED = 200  # images with an embedding of their own row, to which similar ones are searched
DIGEST = bytes(32)
FAR = datetime(2100, 1, 1)


def build(url: str, count: int) -> str:
    """Write `count` made documents, tidying after every few writes; return what it cost."""
    limit_allocator()
    index = Index(url, WRITER_CACHE)
    seconds = {"write": 0.0, "tidy": 0.0}
    start, cpu = time.perf_counter(), time.process_time()
    for number, documents in enumerate(_made(count), start=1):
        seconds["write"] += _timed(partial(index.write, documents))
        if number % WRITES == 0 or number * AT_ONCE >= count:
            seconds["tidy"] += _timed(index.tidy)
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    memory = psutil.Process().memory_info().rss
    return (
        f"built in {took:.0f} s: writing {seconds['write']:.0f} s, tidying {seconds['tidy']:.0f} s;"
        f" {cpu:.0f} s of CPU; {memory / 2**20:.0f} MiB at the end"
    )


def holdings(url: str, folder: Path) -> Iterator[str]:
    """Yield a line on each table: rows, files, and size on disk."""
    for table in Index(url, WRITER_CACHE).holdings():
        files = (folder / f"{table['table']}.lance").rglob("*")
        size = sum(file.stat().st_size for file in files if file.is_file())
        yield (
            f"{table['table']}: {table['rows']} rows, {table['fragments']} fragments,"
            f" {table['versions']} versions, {size / 2**20:.0f} MiB"
        )


def fill_rows(database_url: str, index_url: str) -> list[UUID]:
    """Insert an image's row for each document, all of one object; return images with a vector."""
    index, engine = Index(index_url, WRITER_CACHE), create_engine(database_url)
    pages = index.ids()
    first = next(pages)
    vectors = index.vectors(MODEL, DIMENSIONS, first[:EMBEDDED], "")
    with engine.begin() as connection:
        about = {"sha256": DIGEST, "size": 1, "media_type": "image/jpeg"}
        connection.execute(insert(StoredObject), about)
        for page in (first, *pages):
            connection.execute(insert(Image), [_image(id) for id in page])
        _insert_embeddings(connection, vectors)
    engine.dispose()
    return list(vectors)


def _insert_embeddings(connection: Connection, vectors: dict[UUID, Any]) -> None:
    model = dict(zip(("name", "version"), MODEL.split("@"), strict=True))
    rows = [
        {
            "id": new_id(), "task": "embed", "image_id": id, "sha256": DIGEST, "params": {},
            "state": State.SUCCEEDED, "deadline_at": FAR, "model": model,
            "result": {"dimensions": DIMENSIONS, "vector": base64.b64encode(vector).decode()},
        }
        for id, vector in vectors.items()
    ]  # fmt: skip
    connection.execute(insert(Prediction), rows)


def _image(id: UUID) -> dict[str, Any]:
    return {
        "id": id, "sha256": DIGEST, "file_name": "made.jpg", "width": 640, "height": 480,
        "visibility": "public", "posts": 0,
    }  # fmt: skip


def _made(count: int) -> Iterator[Sequence[Document]]:
    """Yield the documents in batches, a few of which are made ahead."""
    starts = iter(range(0, count, AT_ONCE))
    # LanceDB's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(MAKERS, context) as makers:

        def ask(start: int) -> Future[list[Document]]:
            return makers.submit(_make, start, min(AT_ONCE, count - start))

        waiting = deque(map(ask, islice(starts, 2 * MAKERS)))
        while waiting:
            documents = waiting.popleft().result()
            waiting.extend(map(ask, islice(starts, 1)))
            yield documents


@cache
def _gallery() -> Gallery:
    """Return the gallery of this process; opening it takes a second."""
    return Gallery(seed=1)


def _make(start: int, count: int) -> list[Document]:
    gallery = _gallery()
    gallery.continue_with(start)
    return [shot.document for shot in gallery.shots(gallery.any_labels(count))]


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
