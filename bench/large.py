"""`python -m bench.large`: the share of the bare limit that the service reaches with photographs of
12 and 40 megapixels, and the peak memory of the engine.

For each size, the bare limit and the served stack alternate as in `python -m bench`.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import bare_limit, report
from bench.photographs import Sides, make_photographs
from bench.processes import HOUSE, BenchFailed, helper, interrupt_on_signals
from bench.rounds import LONGEST, alternate, run_round
from bench.stack import Stack, install_models, running_stack

# 7300 x 5475 is just below the default MAX_PIXELS.
SIZES: dict[str, Sides] = {"12 megapixels": (4000, 3000), "40 megapixels": (7300, 5475)}


@dataclass(frozen=True, slots=True)
class Measured:
    """The runs with photographs of one size; memory of the engine in bytes."""

    runs: list[report.Run]
    file_size: float  # bytes, the mean
    resident_before: int
    resident_peak: int
    faults: list[str]


def main() -> int:
    """0 when every answer was right; 1 when one was not, or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--count", type=int, default=96, help="photographs of 12 megapixels a run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clients", type=int, default=32)
    options = parser.parse_args()
    interrupt_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            faults = [
                f"{name}: {fault}"
                for name, measured in _measure_all(Path(folder), options)
                for fault in _print(name, measured)
            ]
    except KeyboardInterrupt:
        faults = ["interrupted"]
    except (BenchFailed, RuntimeError, OSError) as error:
        faults = [str(error)]
    for fault in faults:
        print(f"large: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _measure_all(folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    images = Path(os.environ.get("IMAGES_DIR") or HOUSE.parent / "shared" / "images")
    model_dir = folder / "models"
    install_models(model_dir)
    for name, sides in SIZES.items():
        place = folder / name.split()[0]  # the servers' programs do not take spaces
        pictures = place / "photographs"
        # As many pixels in each run.
        count = max(1, options.count * 12_000_000 // (sides[0] * sides[1]))
        print(f"making {count} photographs of {name}", file=sys.stderr, flush=True)
        make_photographs(images, pictures, count, seed=1, sides=sides)
        with running_stack(place, model_dir, engines=1) as stack:
            yield name, _measure(stack, pictures, model_dir, count, options)


def _measure(
    stack: Stack, pictures: Path, model_dir: Path, count: int, options: argparse.Namespace
) -> Measured:
    with helper("bench.expected_labels", pictures, model_dir) as engine:
        expected = json.loads(engine.hear(LONGEST))
    engine_id = stack.parts["engine"]
    before = _memory(engine_id, "VmRSS")
    with helper("bench.load", pictures, stack.port, options.clients, "wait") as load:
        load.hear(LONGEST)
        run_round(load, stack.parts, count, "warm-up")
        measure = partial(bare_limit.measure, pictures, model_dir, count)
        runs = []
        for run in alternate(load, stack.parts, measure, count, options.runs):
            runs.append(run)
            print(report.line(len(runs), run), file=sys.stderr, flush=True)
    sizes = [path.stat().st_size for path in pictures.glob("*.jpg")]
    peak = _memory(engine_id, "VmHWM")
    return Measured(runs, sum(sizes) / len(sizes), before, peak, report.faults(runs, expected))


def _memory(process: int, field: str) -> int:
    """Return a size in bytes from the process's status: VmRSS, or VmHWM for the peak of it."""
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise BenchFailed(f"/proc/{process}/status has no {field}")
    return int(found[1]) << 10


def _print(name: str, measured: Measured) -> list[str]:
    """Print the figures and return the faults."""
    print(f"\n{name}, files of {measured.file_size / 1e6:.1f} MB")
    print(report.summary(measured.runs, {}))
    print(
        f"resident memory of the engine, MiB: {measured.resident_before >> 20} before, "
        f"{measured.resident_peak >> 20} at the peak"
    )
    return measured.faults


if __name__ == "__main__":
    sys.exit(main())
