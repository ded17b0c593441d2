"""The long form: a storm of kills, then the figures; 1 at the end when a promise was not kept.

Starts MariaDB, RabbitMQ, two APIs and two engines of its own on free ports, in a temporary folder.
The default takes about half an hour; --uploads 600 --kills 40 --latency 400 takes three minutes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.faults import measures, storm
from tests.faults.ledger import check
from tests.faults.stack import FaultStack, Servers, fault_stack
from tests.faults.storm import quantile
from tests.support.checkout import CHECKOUT
from tests.support.servers.private import start_mariadb, start_rabbitmq

RECLAIMED = 2.0  # seconds, p99, until a killed engine's work is claimed again
DRAINED = 65.0  # seconds after a wipe
EXIT = 25.0  # seconds after SIGTERM
RATIO = 1.1  # p99 of uploads without a broker over that with one


def main() -> int:
    """Run the parts that are asked for, in order, and print what was found."""
    options = _options()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, ExitStack() as running:
        stack, servers = _start(running, Path(folder))
        found = [
            _storm(stack, options.uploads, options.kills, options.seconds, options.seed),
            _latency(stack, servers, options.latency, options.rounds),
            _wipe(stack, servers, options.wiped),
            _sigterm(stack, options.sigterm),
        ]
    print(f"\n{'every promise was kept' if all(found) else 'NOT every promise was kept'}; "
          f"{time.monotonic() - start:.0f} s")  # fmt: skip
    return 0 if all(found) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--uploads", type=int, default=10_000, help="in the storm")
    add("--kills", type=int, default=500, help="in the storm; 0: no storm")
    add("--seconds", type=float, default=2400, help="after which the storm ends early")
    add("--seed", type=int, default=1, help="of the moments and victims")
    add("--latency", type=int, default=4000, help="uploads timed, broker up and down; 0: none")
    add("--rounds", type=int, default=3, help="up and down, in turns")
    add("--wiped", type=int, default=200, help="confirmed messages when the broker is wiped; 0: no")
    add("--sigterm", type=int, default=1200, help="uploads while parts are ended; 0: none")
    return parser.parse_args()


def _start(running: ExitStack, folder: Path) -> tuple[FaultStack, Servers]:
    database = running.enter_context(start_mariadb(folder / "mariadb"))
    broker = running.enter_context(start_rabbitmq(folder / "rabbitmq"))
    settings = {"BROKER_URL": broker.url, "STORAGE_URL": f"file://{folder}/objects"}
    settings |= {"MODEL_DIR": str(folder / "models"), "SLOW_WORK": "0.02"}
    _pull_models(folder)
    stack = running.enter_context(fault_stack(folder / "stack", database, settings, engines=2))
    return stack, Servers(database, broker)


def _pull_models(folder: Path) -> None:
    command = [sys.executable, "-m", "engine.models", "pull"]
    environ = os.environ | {"DATA_DIR": str(folder), "MODEL_DIR": str(folder / "models")}
    subprocess.run(command, cwd=CHECKOUT, env=environ, check=True, timeout=600)


def _verdict(what: str, is_kept: bool) -> bool:
    print(f"{what}: {'yes' if is_kept else 'NO'}", flush=True)
    return is_kept


def _storm(stack: FaultStack, uploads: int, kills: int, seconds: float, seed: int) -> bool:
    if not kills:
        return True
    found = storm.run(stack, uploads, kills, seed=seed, seconds=seconds)
    ledger = found.settle(stack, within=300)
    delays = found.delays
    print(f"\nthe storm\n{ledger}")
    print(f"  of engines {found.engine_kills}, of API workers {found.api_kills}")
    print(
        f"killed work idle     p50 {quantile(delays, 0.5):.2f} s, p99 {quantile(delays, 0.99):.2f}"
        f" s, of {len(delays)} rows; never taken over {found.never}"
    )
    soon = _verdict(f"p99 <= {RECLAIMED} s", quantile(delays, 0.99) <= RECLAIMED)
    return _verdict("the ledger is clean", ledger.is_clean) and soon and not found.never


def _latency(stack: FaultStack, servers: Servers, uploads: int, rounds: int) -> bool:
    if not uploads:
        return True
    found = measures.measure_latency(stack, servers, uploads, rounds)
    ledger = check(stack, found.uploads, within=300)
    print(f"\n{found}")
    answers = {answer for upload in found.uploads for answer in upload.answers}
    all_taken = _verdict("all 202, and finished", answers == {202} and ledger.is_clean)
    return _verdict(f"p99 down / up <= {RATIO}", found.ratio(0.99) <= RATIO) and all_taken


def _wipe(stack: FaultStack, servers: Servers, uploads: int) -> bool:
    if not uploads:
        return True
    seconds, ledger = measures.drained_after_a_wipe(stack, servers, uploads)
    print(f"\ndrained {seconds:.1f} s after the broker was wiped\n{ledger}")
    return _verdict(
        f"<= {DRAINED:.0f} s, the ledger is clean", seconds <= DRAINED and ledger.is_clean
    )


def _sigterm(stack: FaultStack, uploads: int) -> bool:
    if not uploads:
        return True
    seconds, ledger, failed = measures.ended_under_load(stack, uploads)
    ends = ", ".join(f"{one:.1f}" for one in seconds)
    again = sum(row["attempts"] > 1 for row in ledger.rows.values())
    print(f"\nSIGTERM under load: ended after {ends} s; failed requests {failed} of "
          f"{ledger.attempted}, claims lost {again} of {ledger.finished}\n{ledger}")  # fmt: skip
    kept = not failed and not again and max(seconds) <= EXIT and ledger.is_clean
    return _verdict(f"none failed, <= {EXIT:.0f} s, the ledger is clean", kept)


if __name__ == "__main__":
    sys.exit(main())
