"""`python -m bench.search`: the time of searches in a large index while labels are made.

The served stack with an engine for labels and one for searches. The index and its rows are
generated (`bench/gallery.py`); labels are requested at half the rate measured before. Four of five
searches are for a text, the fifth for images similar to one. Prints the time from the first byte of
a search sent to the last byte of its answer, and what the index costs.
"""

import argparse
import itertools
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
from uuid import UUID

from bench import search_index
from bench.lanes import labels_a_second
from bench.load import Client
from bench.photographs import make_photographs
from bench.processes import HOUSE, BenchFailed, helper, memory_of
from bench.stack import run_module, running_stack
from engine.models.labels import load_imagenet

LONGEST = 600.0  # seconds
PHOTOGRAPHS = 300
TARGET = 0.150  # seconds, p99
BESIDE = "search,index"
TEXT, SIMILAR = "text", "similar images"


def main() -> int:
    """0 when the searches were fast enough, 1 when they were not, or could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("--images", type=int, default=100_000, help="indexed; %(default)s")
    parser.add_argument("--searches", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--rate", type=float, default=10, help="searches a second; %(default)s")
    parser.add_argument(
        "--index", type=Path, help="a folder whose index is used, or built first; it is kept"
    )
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
    home = (options.index or folder / "index").resolve()
    os.environ["INDEX_URL"] = url = f"file://{home}"
    run_module(os.environ | {"MODEL_DIR": str(model_dir)}, "engine.models", "pull")
    if not home.exists():
        _say(f"indexing {options.images} made documents")
        _say(search_index.build(url, options.images))
    for line in search_index.holdings(url, home):
        _say(line)
    with running_stack(folder, model_dir, 1, beside=BESIDE) as stack:
        embedded = search_index.fill_rows(stack.database_url, url)
        searches = _Searches(stack.port, embedded)
        with helper("bench.load", pictures, stack.port, 32, "wait") as load:
            load.hear(LONGEST)
            rate = max(labels_a_second(load, PHOTOGRAPHS, f"most {number}") for number in range(3))
        alone = searches.run(options.searches // 5, options.rate)
        seconds = options.searches / options.rate + 5
        with helper("bench.pace", pictures, stack.port, rate / 2, seconds) as pace:
            pace.hear(LONGEST)
            pace.say()
            time.sleep(2)
            beside = searches.run(options.searches, options.rate)
            made = float(pace.hear(LONGEST))
        memory = memory_of(stack.parts[f"engine for {BESIDE}"])
    _say(f"labels at most {rate:.0f} a second, then {made:.1f}; load {os.getloadavg()[0]:.1f}")
    for kind in (TEXT, SIMILAR):
        _say(f"{kind}, alone            {_spread(alone[kind])}")
        _say(f"{kind}, beside labels    {_spread(beside[kind])}")
    _say(f"the searches' engine: {memory.rss / 2**20:.0f} MiB, {memory.pss / 2**20:.0f} its own")
    return 0 if all(_percentile(each, 99) < TARGET for each in beside.values()) else 1


class _Searches:
    """Searches for texts, and for images similar to some of the images."""

    def __init__(self, port: int, embedded: list[UUID]):
        self._client = Client(port)
        self._queries = _queries()
        self._images = itertools.cycle(embedded)

    def run(self, count: int, rate: float) -> dict[str, list[float]]:
        """The seconds of each search by kind; raises BenchFailed when one finds nothing."""
        taken: dict[str, list[float]] = {TEXT: [], SIMILAR: []}
        begin = time.perf_counter()
        for number in range(count):
            time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            kind = SIMILAR if number % 5 == 4 else TEXT
            start = time.perf_counter()
            self._search(kind)
            taken[kind].append(time.perf_counter() - start)
        return taken

    def _search(self, kind: str) -> None:
        if kind == SIMILAR:
            path = f"/v1/images/{next(self._images)}/similar"
        else:
            path = f"/v1/search?query={urllib.parse.quote(next(self._queries))}"
        said = json.loads(self._client.get(path))
        if not said.get("items"):
            raise BenchFailed(f"{path} found nothing: {said}")


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
