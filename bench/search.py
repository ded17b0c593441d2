"""`python -m bench.search`: the time of searches in a large index while labels are made.

The served stack with an engine for labels and one for searches. The index and its rows are
generated (`bench/gallery.py`); labels are requested at half the rate measured before.
Prints the time from the first byte of a search sent to the last byte of its answer.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import create_engine, insert

from bench.gallery import Gallery
from bench.lanes import labels_a_second
from bench.load import Client
from bench.photographs import make_photographs
from bench.processes import HOUSE, BenchFailed, helper, memory_of
from bench.stack import run_module, running_stack
from common.tables import Image, StoredObject
from engine.index.documents import Document
from engine.index.store import Index
from engine.models.labels import load_imagenet

LONGEST = 600.0  # seconds
PHOTOGRAPHS = 300
AT_ONCE = 5_000  # documents that are written together
TARGET = 0.150  # seconds, p99
BESIDE = "search,index"


def main() -> int:
    """0 when the searches were fast enough, 1 when they were not, or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--images", type=int, default=100_000, help="indexed; %(default)s")
    parser.add_argument("--searches", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=10, help="searches a second; %(default)s")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return _bench(Path(folder), options)
    except (BenchFailed, RuntimeError, OSError) as error:
        print(f"search: {error}", file=sys.stderr)
    return 1


def _bench(folder: Path, options: argparse.Namespace) -> int:
    shared = HOUSE.parent / "shared"
    pictures, model_dir = folder / "photographs", folder / "models"
    images = Path(os.environ.get("IMAGES_DIR") or shared / "images")
    make_photographs(images, pictures, PHOTOGRAPHS, seed=1)
    os.environ.setdefault("MODEL_MIRROR", str(shared / "models"))
    os.environ["INDEX_URL"] = f"file://{folder / 'index'}"
    run_module(os.environ | {"MODEL_DIR": str(model_dir)}, "engine.models", "pull")
    filled = _fill_index(options.images)
    with running_stack(folder, model_dir, 1, beside=BESIDE) as stack:
        _fill_rows(stack.database_url, filled)
        with helper("bench.load", pictures, stack.port, 32, "wait") as load:
            load.hear(LONGEST)
            rate = max(labels_a_second(load, PHOTOGRAPHS, f"most {number}") for number in range(3))
        alone = _search(stack.port, options.searches // 5, options.rate)
        seconds = options.searches / options.rate + 5
        with helper("bench.pace", pictures, stack.port, rate / 2, seconds) as pace:
            pace.hear(LONGEST)
            pace.say()
            time.sleep(2)
            found = _search(stack.port, options.searches, options.rate)
            made = float(pace.hear(LONGEST))
        memory = memory_of(stack.parts[f"engine for {BESIDE}"])
    _say(f"{options.images} images; labels at most {rate:.0f} a second, then {made:.1f}")
    _say(f"searches alone            {_spread(alone)}")
    _say(f"searches beside labels    {_spread(found)}")
    _say(f"the searches' engine: {memory.rss / 2**20:.0f} MiB, {memory.pss / 2**20:.0f} its own")
    return 0 if _percentile(found, 99) < TARGET else 1


def _fill_index(count: int) -> list[Document]:
    """The documents, without what the index has taken from them."""
    _say(f"indexing {count} made documents")
    gallery, index = Gallery(seed=1), Index(os.environ["INDEX_URL"])
    kept: list[Document] = []
    waiting: list[Document] = []
    start = time.perf_counter()
    for shot in gallery.shots(gallery.any_labels(count)):
        waiting.append(shot.document)
        if len(waiting) == AT_ONCE or len(kept) + len(waiting) == count:
            index.write(waiting)
            kept += [_light(document) for document in waiting]
            waiting = []
    written = time.perf_counter()
    index.tidy()
    tidied = time.perf_counter() - written
    _say(f"written in {written - start:.0f} s, tidied in {tidied:.0f} s")
    return kept


def _light(document: Document) -> Document:
    return Document(
        id=document.id, owner=None, public=True, read_at=1, texts={}, known=""
    )  # fmt: skip


def _fill_rows(url: str, documents: list[Document]) -> None:
    """An image's row for each document, all of one object."""
    engine = create_engine(url)
    digest = bytes(32)
    with engine.begin() as connection:
        about = {"sha256": digest, "size": 1, "media_type": "image/jpeg"}
        connection.execute(insert(StoredObject), about)
        for start in range(0, len(documents), AT_ONCE):
            rows = [
                {
                    "id": each.id, "sha256": digest, "file_name": "made.jpg", "width": 640,
                    "height": 480, "visibility": "public", "posts": 0,
                }
                for each in documents[start : start + AT_ONCE]
            ]  # fmt: skip
            connection.execute(insert(Image), rows)
    engine.dispose()


def _search(port: int, count: int, rate: float) -> list[float]:
    """The seconds of each search; raises BenchFailed when one finds nothing."""
    client, queries = Client(port), _queries()
    taken: list[float] = []
    begin = time.perf_counter()
    for number in range(count):
        time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        query = next(queries)
        start = time.perf_counter()
        said = json.loads(client.get(f"/v1/search?query={urllib.parse.quote(query)}"))
        taken.append(time.perf_counter() - start)
        if not said.get("items"):
            raise BenchFailed(f"{query!r} found nothing: {said}")
    client.close()
    return taken


def _queries() -> Iterator[str]:
    """Names, broader terms, two of them, and sentences around them."""
    labels, chance = load_imagenet(), random.Random(2)
    while True:
        one, other = chance.choice(labels), chance.choice(labels)
        term = chance.choice(one.broader).name if one.broader else one.name
        forms = (one.name, term, f"{one.name} {other.name}", f"a {one.name} beside a {term}")
        yield chance.choice(forms)


def _spread(seconds: list[float]) -> str:
    return ", ".join([
        f"p50 {statistics.median(seconds) * 1e3:.0f}", f"p99 {_percentile(seconds, 99) * 1e3:.0f}",
        f"most {max(seconds) * 1e3:.0f} ms of {len(seconds)}",
    ])  # fmt: skip


def _percentile(seconds: list[float], percent: int) -> float:
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * percent // 100)]


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
