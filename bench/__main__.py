"""`python -m bench`: images a second of the service, and its share of the bare limit."""

import argparse
import json
import os
import sys
import tempfile
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import psutil

from bench import bare_limit, report
from bench.photographs import make_photographs
from bench.processes import HOUSE, BenchFailed, helper, interrupt_on_signals, memory_of
from bench.rounds import LONGEST, WARM_UP, alternate, run_round
from bench.stack import Stack, install_models, running_stack, running_standalone

SETTINGS = ("WEB_PROCESSES", "WEB_THREADS", "BATCH_SIZE", "ENGINE_WORKERS")


def main() -> int:
    """0 when every answer was right; 1 when one was not, or nothing could be measured."""
    options = _options()
    interrupt_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return _bench(Path(folder), options)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
    except (BenchFailed, RuntimeError, OSError, psutil.Error) as error:
        print(f"bench: {error}", file=sys.stderr)
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"The environment's {', '.join(SETTINGS)} and the like reach API and engine.",
    )
    images = os.environ.get("IMAGES_DIR") or HOUSE.parent / "shared" / "images"
    add = parser.add_argument
    add("--count", type=int, default=1000, help="photographs a run; default: %(default)s")
    add("--runs", type=int, default=5, help="default: %(default)s")
    add("--clients", type=int, default=32, help="default: %(default)s")
    add(
        "--stack",
        choices=("served", "standalone"),
        default="served",
        help="served: API, engine, MariaDB and RabbitMQ (the default); standalone: `make run`",
    )
    add("--engines", type=int, default=1, help="engine processes, served; default: %(default)s")
    add(
        "--mode",
        choices=("poll", "wait"),
        default="wait",
        help="wait: POST with Prefer: wait=30 (the default); poll: POST, then GET ?wait=30",
    )
    add("--images", type=Path, default=images, help="default: IMAGES_DIR, else %(default)s")
    add("--seed", type=int, default=1, help="of the photographs; default: %(default)s")
    add("--out", action="store_true", help="add a row to the table in bench/README.md")
    options = parser.parse_args()
    if options.stack == "standalone" and options.engines != 1:
        parser.error("--engines is for --stack served only")
    return options


def _bench(folder: Path, options: argparse.Namespace) -> int:
    model_dir, pictures = folder / "models", folder / "photographs"
    _say(f"making {options.count} photographs from {options.images}")
    make_photographs(options.images, pictures, options.count, options.seed)
    _say(f"starting the service, {options.stack}")
    install_models(model_dir)
    with helper("bench.expected_labels", pictures, model_dir) as engine:
        expected = json.loads(engine.hear(LONGEST))
    with _started(folder, model_dir, options) as stack:
        with helper("bench.load", pictures, stack.port, options.clients, options.mode) as load:
            load.hear(LONGEST)
            measure = partial(bare_limit.measure, pictures, model_dir, options.count)
            run_round(load, stack.parts, min(options.count, WARM_UP), "warm-up")
            runs = []
            for run in alternate(load, stack.parts, measure, options.count, options.runs):
                runs.append(run)
                _say(report.line(len(runs), run))
        memory = {name: memory_of(pid) for name, pid in stack.parts.items()}
    print(f"\n{report.summary(runs, memory)}")
    faults = report.faults(runs, expected)
    for fault in faults:
        print(f"bench: {fault}", file=sys.stderr)
    if options.out and not faults:
        report.add_row(runs, _described(options), stack.versions)
    return 1 if faults else 0


def _started(
    folder: Path, model_dir: Path, options: argparse.Namespace
) -> AbstractContextManager[Stack]:
    if options.stack == "standalone":
        return running_standalone(folder, model_dir)
    return running_stack(folder, model_dir, options.engines)


def _described(options: argparse.Namespace) -> str:
    """What was measured, for the table."""
    settings = [f"{name}={os.environ[name]}" for name in SETTINGS if os.environ.get(name)]
    return ", ".join([
        f"{options.runs} x {options.count}", f"{options.clients} clients", options.mode,
        *(["standalone"] if options.stack == "standalone" else []),
        *([f"{options.engines} engines"] if options.engines > 1 else []), *settings,
    ])  # fmt: skip


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
