"""`python -m bench.runtimes`: images a second of the two runtimes, LiteRT (int8) and SavedModel.

Pixels in, probabilities out, on all cores: LiteRT as the engine runs it, a session in a thread a
core, and the SavedModel one batch at a time on TensorFlow's own threads. The pictures are noise,
since a network's work does not depend on what it is shown. The two take turns.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report import machine
from common.errors import AfterimageError
from common.settings import Settings
from engine.models.add import add
from engine.models.catalogue import default_model
from engine.models.loader import Model, Session, load
from engine.models.manifest_from_signature import ModelDescription
from engine.models.progress import Lines
from engine.models.pull import pull

BATCHES = (1, 8, 32)
SECONDS = 1.0  # of one measurement
ROUNDS = 3
LITERT = "LiteRT int8"

Rates = dict[str, list[tuple[float, float]]]


def main() -> int:
    """0 when both were measured, or TensorFlow is not installed; 1 when a model is missing."""
    if not find_spec("tensorflow"):
        print("runtimes: TensorFlow is not installed, nothing to compare: make tensorflow")
        return 0
    mirror = Settings.from_env().model_mirror
    parser = argparse.ArgumentParser(prog="python -m bench.runtimes", description=__doc__)
    parser.add_argument(
        "--savedmodel",
        default=f"{mirror}/mobilenet_v2_100_224",
        help="folder or TF Hub handle of a classifier; default: %(default)s",
    )
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            small, large = _models(Path(folder), mirror, parser.parse_args().savedmodel)
            print(_table(measure(_runners(small, large))))
    except AfterimageError as error:
        print(f"runtimes: {error.detail}", file=sys.stderr)
        return 1
    return 0


def _models(folder: Path, mirror: str, savedmodel: str) -> tuple[Model, Model]:
    pull(default_model("classify"), folder, mirror, Lines())
    added = add("classify", savedmodel, ModelDescription(name="savedmodel"), folder, Lines())
    return load("classify", folder), load("classify", folder, added.reference)


def _runners(small: Model, large: Model) -> dict[str, Callable[[], int]]:
    """By name: what does some images and returns how many."""
    threads = ThreadPoolExecutor(os.cpu_count() or 1)
    sessions = [small.session() for _ in range(os.cpu_count() or 1)]
    pictures, network = _noise(small, 8), large.session()

    def on_all_cores() -> int:
        return sum(threads.map(lambda session: _run(session, pictures), sessions))

    runners: dict[str, Callable[[], int]] = {LITERT: on_all_cores}
    for size in BATCHES:
        runners[f"SavedModel, batch {size}"] = partial(_run, network, _noise(large, size))
    return runners


def _noise(model: Model, count: int) -> list[NDArray[np.uint8]]:
    shape = model.manifest.input.shape[1:]
    chance = np.random.default_rng(1)
    return [chance.integers(0, 256, shape, np.uint8) for _ in range(count)]


def _run(session: Session, batch: Sequence[NDArray[Any]]) -> int:
    return len(session.run(batch))


def measure(runners: Mapping[str, Callable[[], int]]) -> Rates:
    """(Images a second, CPU milliseconds an image) of each runner, ROUNDS times in turn, after a
    round that does not count.
    """
    rates: Rates = {name: [] for name in runners}
    for runner in runners.values():
        runner()
    for _ in range(ROUNDS):
        for name, runner in runners.items():
            rates[name].append(_rate(runner))
    return rates


def _rate(runner: Callable[[], int]) -> tuple[float, float]:
    start, cpu, done = time.monotonic(), time.process_time(), 0
    while time.monotonic() - start < SECONDS:
        done += runner()
    spent = time.process_time() - cpu
    return done / (time.monotonic() - start), 1e3 * spent / done


def _table(rates: Rates) -> str:
    """Medians, of the rates with least and most, and each one's share of LiteRT's."""
    lines = [
        f"{machine()}, {ROUNDS} rounds",
        "| runtime | images a second | of LiteRT's | CPU ms an image | of LiteRT's, by CPU |",
        "|---|---|---|---|---|",
    ]
    fastest = _medians(rates[LITERT])
    for name, found in rates.items():
        rate, cpu = _medians(found)
        each = [one for one, _ in found]
        lines.append(
            f"| {name} | {rate:.0f} ({min(each):.0f} to {max(each):.0f}) "
            f"| {rate / fastest[0]:.2f} | {cpu:.1f} | {fastest[1] / cpu:.2f} |"
        )
    return "\n".join(lines)


def _medians(found: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(one for one, _ in found), statistics.median(cpu for _, cpu in found)


if __name__ == "__main__":
    sys.exit(main())
