"""The figures of the long form: what uploads cost without a broker, and how soon all is well."""

import time
from dataclasses import dataclass, field

from tests.faults.clients import Clients, Upload
from tests.faults.ledger import Ledger, check
from tests.faults.stack import FaultStack, Servers
from tests.faults.storm import quantile
from tests.support.services.processes import Running

SETTLED = 3.0  # seconds after a broker's start or end, before anything is measured
RATE = 40.0  # uploads a second: what is measured is the way, not the queue before it


@dataclass
class Latency:
    """Seconds that accepted uploads took, with the broker up and down, in turns."""

    up: list[float] = field(default_factory=list)
    down: list[float] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)

    def ratio(self, share: float) -> float:
        """Down over up, at a quantile."""
        return quantile(self.down, share) / max(1e-9, quantile(self.up, share))

    def __str__(self) -> str:
        lines = [
            f"  {name:<12} p50 {quantile(seconds, 0.5) * 1e3:6.1f} ms   "
            f"p99 {quantile(seconds, 0.99) * 1e3:6.1f} ms   of {len(seconds)}"
            for name, seconds in (("broker up", self.up), ("broker down", self.down))
        ]
        ratios = f"  down / up    p50 {self.ratio(0.5):6.2f}      p99 {self.ratio(0.99):6.2f}"
        return "\n".join(["uploads accepted", *lines, ratios])


def measure_latency(stack: FaultStack, servers: Servers, uploads: int, rounds: int) -> Latency:
    """Upload with the broker up and down, `rounds` times each, with the engines at rest so that
    they take no time from either.
    """
    found = Latency()
    stack.stop_engines()
    for number in range(rounds):
        for seconds, is_up in ((found.up, True), (found.down, False)):
            (servers.broker.start if is_up else servers.broker.stop)()
            time.sleep(SETTLED)
            _warm_up(stack, found, f"warm-{number}-{is_up}")
            name = f"latency-{number}-{is_up}"
            with Clients(stack.urls, name, count=4) as clients:
                for _ in range(uploads // (2 * rounds)):
                    clients.send(1)
                    time.sleep(1 / RATE)
            found.uploads += clients.uploads
            seconds += [upload.seconds for upload in clients.uploads if upload.is_accepted]
    servers.broker.start()
    stack.ensure_engines()
    return found


def _warm_up(stack: FaultStack, found: Latency, name: str) -> None:
    with Clients(stack.urls, name, count=4) as clients:
        clients.send(20)
    found.uploads += clients.uploads


def drained_after_a_wipe(stack: FaultStack, servers: Servers, uploads: int) -> tuple[float, Ledger]:
    """Seconds from the wipe of a broker full of confirmed messages until all is finished.

    An engine is at work until then, and nothing is uploaded afterwards: the hardest case.
    """
    stack.ensure_engines()
    with Clients(stack.urls, "before-wipe", count=4) as first:
        first.send(20)
    check(stack, first.uploads)
    stack.stop_engines()
    with Clients(stack.urls, "wiped", count=4) as clients:
        clients.send(uploads)
    time.sleep(1.5)  # the confirms are noted
    wiped = time.monotonic()
    servers.broker.wipe()
    servers.broker.start()
    stack.ensure_engines()
    ledger = check(stack, clients.uploads, within=150)
    return time.monotonic() - wiped, ledger


def ended_under_load(stack: FaultStack, uploads: int) -> tuple[list[float], Ledger, int]:
    """SIGTERM to each API and each engine under load: how long each took to end, the ledger, and
    how many requests failed.
    """
    stack.ensure_engines()
    parts = [(stack.apis, n) for n in range(len(stack.apis))]
    parts += [(stack.engines, n) for n in range(len(stack.engines))]
    seconds = []
    with Clients(stack.urls, "sigterm") as clients:
        for running, number in parts:
            clients.send(uploads // len(parts))
            time.sleep(0.3)
            seconds.append(seconds_to_end(running[number]))
            (stack.start_api if running is stack.apis else stack.start_engine)(number)
    failed = sum(len(upload.broken) for upload in clients.uploads)
    return seconds, check(stack, clients.uploads, within=120), failed


def seconds_to_end(running: Running) -> float:
    """SIGTERM, then until the process is gone."""
    start = time.monotonic()
    running.process.terminate()
    running.process.wait(60)
    return time.monotonic() - start
