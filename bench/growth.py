"""`python -m bench.growth`: what a large database costs uploads and answers.

Two served stacks with the same code, one with an empty database and one that holds a number of
finished predictions, take turns at the same load. Exits 1 if the median rate of the full one is
less than 0.9 of that of the empty one.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bench.growth_filling import fill
from bench.photographs import make_photographs
from bench.processes import HOUSE, BenchFailed, Helper, helper, interrupt_on_signals
from bench.report import percentile, spread
from bench.rounds import LONGEST, WARM_UP, run_round
from bench.stack import Stack, install_models, running_stack
from common.database.session import Sessions, read
from tests.support.rows.databases import opened

LEAST = 0.9  # ratio of the rates
# Counters of InnoDB: pages read into the buffer pool, pages written, bytes of the redo log.
COUNTERS = ("Innodb_buffer_pool_reads", "Innodb_pages_written", "Innodb_os_log_written")


@dataclass(slots=True)
class Side:
    """A stack, its load generator, and what was measured in its turns."""

    name: str
    stack: Stack
    sessions: Sessions
    load: Helper
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # seconds, of all turns


def main() -> int:
    """0 if the full database is fast enough for each number of rows; 1 if not, or on an error."""
    options = _options()
    interrupt_on_signals()
    is_enough = True
    try:
        for rows in options.rows:
            with tempfile.TemporaryDirectory(prefix="bench-", dir=options.folder) as folder:
                is_enough &= _compare(Path(folder), rows, options)
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 1
    except (BenchFailed, RuntimeError, OSError, DBAPIError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0 if is_enough else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    images = os.environ.get("IMAGES_DIR") or HOUSE.parent / "shared" / "images"
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[1_000_000], help="default: %(default)s")
    add("--buffer-pool", type=int, default=64, help="MiB of each database; default: %(default)s")
    add("--redo-log", type=int, default=96, help="MiB, MariaDB's default: %(default)s")
    add("--count", type=int, default=600, help="photographs a turn; default: %(default)s")
    add("--turns", type=int, default=5, help="of each stack; default: %(default)s")
    add("--clients", type=int, default=32, help="default: %(default)s")
    add("--images", type=Path, default=images, help="default: IMAGES_DIR, else %(default)s")
    add("--folder", type=Path, help="for the databases; 3.5 GB per million rows")
    return parser.parse_args()


def _compare(folder: Path, rows: int, options: argparse.Namespace) -> bool:
    """Measure both stacks in turns; return whether the full one is fast enough."""
    pictures, models = folder / "photographs", folder / "models"
    make_photographs(options.images, pictures, options.count, seed=1)
    install_models(models)
    with ExitStack() as stack:
        empty, full = (
            stack.enter_context(_side(folder / name, pictures, models, options))
            for name in ("empty", "full")
        )
        for side in (empty, full):
            _turn(side, min(WARM_UP, options.count), "warm-up")
        if rows:
            fill(full.stack.database_url, rows, _say)
            _turn(full, min(WARM_UP, options.count), "warm-up of the full one")
        for side in (empty, full):
            side.rates.clear()
            side.latencies.clear()
        for number in range(options.turns):
            for side in (empty, full) if number % 2 else (full, empty):
                _turn(side, options.count, f"turn {number + 1}")
    return _report(rows, empty, full)


@contextmanager
def _side(
    folder: Path, pictures: Path, models: Path, options: argparse.Namespace
) -> Iterator[Side]:
    folder.mkdir()
    sizes = [
        f"--innodb-buffer-pool-size={options.buffer_pool}M",
        f"--innodb-log-file-size={options.redo_log}M",
    ]
    with (
        running_stack(folder, models, 1, database_options=sizes) as running,
        opened(running.database_url) as sessions,
        helper("bench.load", pictures, running.port, options.clients, "wait") as load,
    ):
        load.hear(LONGEST)
        yield Side(folder.name, running, sessions, load)


def _turn(side: Side, count: int, name: str) -> None:
    """Let one stack answer `count` photographs; add its rate and latencies."""
    before = _counters(side.sessions)
    duration, answers, cpu = run_round(side.load, side.stack.parts, count, name)
    after = _counters(side.sessions)
    if failed := [each.problem for each in answers if each.label is None]:
        raise BenchFailed(f"{len(failed)} of {count} were not answered, such as: {failed[0]}")
    seconds = [each.seconds for each in answers]
    side.rates.append(count / duration)
    side.latencies += seconds
    per_image = {key: (after[key] - before[key]) / count for key in COUNTERS}
    reads, writes, log = per_image.values()
    _say(
        f"{side.name:<6}{name:<12}{side.rates[-1]:7.1f} images/s,"
        f" p50 {percentile(seconds, 50) * 1e3:.0f} ms, p99 {percentile(seconds, 99) * 1e3:.0f} ms;"
        f" an image: database {cpu['database'] / count * 1e3:.2f} ms of CPU,"
        f" {reads:.1f} pages read, {writes:.1f} written, {log / 1024:.1f} KB of redo log"
    )


def _counters(sessions: Sessions) -> dict[str, int]:
    statement = text("SHOW GLOBAL STATUS LIKE 'Innodb%'")
    rows = read(sessions, lambda session: session.execute(statement).all())
    return {name: int(value) for name, value in rows if name in COUNTERS}


def _report(rows: int, empty: Side, full: Side) -> bool:
    ratio = statistics.median(full.rates) / statistics.median(empty.rates)
    for side in (empty, full):
        late = [percentile(side.latencies, percent) * 1e3 for percent in (50, 99)]
        print(
            f"{side.name:<6} {spread(side.rates, '.1f')} images/s,"
            f" p50 {late[0]:.0f} ms, p99 {late[1]:.0f} ms"
        )
    print(f"ratio  {ratio:.2f} with {rows:,} predictions; at least {LEAST}", flush=True)
    return ratio >= LEAST


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
