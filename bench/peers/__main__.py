"""`python -m bench.peers`: this service beside other ways to serve the same network.

The exit code is 0 when every contender ran and answered correctly, 1 when one failed or answered
incorrectly, and 3 when a program that one needs is not installed and nothing else was wrong.
"""

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

import psutil

from bench import bare_limit
from bench.peers import table
from bench.peers.contenders import Contender, contenders
from bench.peers.turns import Turns
from bench.photographs import make_photographs
from bench.processes import HOUSE, BenchFailed, helper, interrupt_on_signals
from bench.rounds import LONGEST
from bench.stack import install_models

FAILED, SKIPPED = 1, 3


def main() -> int:
    """The exit code."""
    options = _options()
    interrupt_on_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            return _compare(Path(folder), options)
    except KeyboardInterrupt:
        print("peers: interrupted", file=sys.stderr)
    except (BenchFailed, RuntimeError, OSError, psutil.Error) as error:
        print(f"peers: {error}", file=sys.stderr)
    return FAILED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    images = os.environ.get("IMAGES_DIR") or HOUSE.parent / "shared" / "images"
    add = parser.add_argument
    add("--rounds", type=int, default=5, help="default: %(default)s")
    add("--count", type=int, default=400, help="photographs a round; default: %(default)s")
    add("--clients", type=int, default=32, help="default: %(default)s")
    add("--only", default="", help="run only contenders whose names contain this text")
    add("--images", type=Path, default=images, help="default: IMAGES_DIR, else %(default)s")
    add("--seed", type=int, default=1, help="of the photographs; default: %(default)s")
    add("--out", action="store_true", help="fill bench/README.md and README.md, if all is well")
    options = parser.parse_args()
    options.chosen = [one for one in contenders() if options.only.lower() in one.name.lower()]
    if not options.chosen:
        parser.error(f"no contender's name contains {options.only!r}")
    if options.out and options.only:
        parser.error("--out is for a comparison of all contenders")
    return options


def _compare(folder: Path, options: argparse.Namespace) -> int:
    ready = [one for one in options.chosen if not _is_skipped(one)]
    if not ready:
        return SKIPPED
    pictures, model_dir = folder / "photographs", folder / "models"
    make_photographs(options.images, pictures, options.count, options.seed)
    install_models(model_dir)
    with helper("bench.expected_labels", pictures, model_dir) as engine:
        expected = json.loads(engine.hear(LONGEST))
    bare = partial(bare_limit.measure, pictures, model_dir, options.count)
    yardstick = bare().labels
    turns = Turns(pictures, model_dir, folder, options.clients, options.count)
    results = turns.measure(ready, options.rounds, bare)
    print(f"\n{table.table(results)}\n\n{table.ratios(results)}")
    problems = table.problems(results, expected, yardstick)
    for problem in problems:
        print(f"peers: {problem}", file=sys.stderr)
    if problems:
        return FAILED
    if ready != options.chosen:
        return SKIPPED
    if options.out:
        what = f"{options.rounds} x {options.count} photographs, {options.clients} clients"
        table.write(results, what)
    return 0


def _is_skipped(contender: Contender) -> bool:
    missing = contender.missing()
    if missing:
        print(f"peers: skipped {contender.name}: {missing} is not installed", file=sys.stderr)
    return bool(missing)


if __name__ == "__main__":
    sys.exit(main())
