"""`python -m bench.abuse`: what other callers notice of a standalone that is abused in every way.

Three kinds of hostile callers share an address and send all they can at once: 48 wait for outlines
of an image of 40 megapixels, eight upload such images, and eight sign up. Another caller uploads
photographs, and one asks for `/healthz`. Prints the times of these two, the memory of all
processes, and the answers to each kind; the exit code is 1 when a limit is exceeded.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from bench.photographs import make_photographs, read_all, stamped
from bench.processes import HOUSE, BenchFailed, family, memory_of
from bench.report import percentile
from tests.support.abuse.cost import peak_memory, reset_peak
from tests.support.images.pictures import bomb
from tests.support.services.processes import standalone

HOSTILE, HONEST = "127.0.0.2", "127.0.0.3"  # networks of their own, for the limits of callers
WAITING, BOMBS, SIGNING_UP = 48, 8, 8  # threads
SLOWEST = 2.0  # seconds, at p99
MEMORY = 1536 << 20  # bytes that all processes may hold together
PATIENCE = 60.0
EVERY = 0.1  # seconds between two requests of an ordinary caller

Ask = Callable[[requests.Session], requests.Response]


@dataclass
class Kind:
    """One kind of caller: seconds that each answer took, and how often there was each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


class Load:
    """Callers that ask again and again until `stop()`."""

    def __init__(self) -> None:
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, ask: Ask, address: str, callers: int, pause: float) -> Kind:
        """Start `callers` callers from `address`, each with a connection of its own."""
        kind = Kind()
        threads = [
            threading.Thread(target=self._repeat, args=(kind, ask, address, pause), daemon=True)
            for _ in range(callers)
        ]
        for thread in threads:
            thread.start()
        self._threads += threads
        return kind

    def stop(self) -> None:
        """Wait for the answers to the last requests."""
        self._done.set()
        for thread in self._threads:
            thread.join(PATIENCE + 5)

    def _repeat(self, kind: Kind, ask: Ask, address: str, pause: float) -> None:
        session = requests.Session()
        session.mount("http://", _From(address))
        while not self._done.is_set():
            began = time.monotonic()
            try:
                kind.statuses[str(ask(session).status_code)] += 1
            except requests.RequestException as error:
                kind.statuses[type(error).__name__] += 1
            kind.seconds.append(time.monotonic() - began)
            self._done.wait(pause)


class _From(HTTPAdapter):
    """Connects from a given address."""

    def __init__(self, address: str):
        self._address = address
        super().__init__()

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **options: Any
    ) -> None:
        """Give the address to the pool of connections."""
        options["source_address"] = (self._address, 0)
        super().init_poolmanager(connections, maxsize, block, **options)


def main() -> int:
    """0 when every limit is kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--base-url", help="a service that runs already; with --pid")
    parser.add_argument("--pid", type=int, help="the first process of that service")
    options = parser.parse_args()
    shared = HOUSE.parent / "shared"
    os.environ.setdefault("MODEL_MIRROR", str(shared / "models"))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            folder = Path(name)
            images = Path(os.environ.get("IMAGES_DIR") or shared / "images")
            make_photographs(images, folder / "photographs", 100, seed=1)
            photographs = read_all(folder / "photographs")
            with _service(options, folder / "data") as (base_url, pid):
                return _abuse(base_url, pid, photographs, options.seconds)
    except (BenchFailed, RuntimeError, OSError, requests.RequestException) as error:
        print(f"abuse: {error}", file=sys.stderr)
        return 1


@contextmanager
def _service(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, int]]:
    if options.base_url:
        yield options.base_url, options.pid
        return
    with standalone(folder) as running:
        yield running.base_url, running.pid


def _abuse(base_url: str, pid: int, photographs: list[bytes], seconds: float) -> int:
    before, idle = _workers(pid), memory_of(pid).rss
    kinds: dict[str, Kind] = {}
    load = Load()
    for number in before:
        reset_peak(number)
    for name, (ask, address, callers, pause) in _callers(base_url, photographs).items():
        kinds[name] = load.start(ask, address, callers, pause)
    time.sleep(seconds)
    most = sum(map(peak_memory, _workers(pid)))  # whenever each process had its peak
    faults = [] if _workers(pid) == before else ["a process was restarted"]
    load.stop()
    print(f"{'':<10}{'answers':>8}{'p50':>8}{'p99':>8}{'most':>8}  statuses")
    for name, kind in kinds.items():
        print(_line(name, kind))
    print(f"memory: {idle >> 20} MiB when idle, {most >> 20} MiB at most")
    for name in ("upload", "/healthz"):
        if percentile(kinds[name].seconds, 99) >= SLOWEST:
            faults.append(f"{name}: p99 is {SLOWEST:.0f} s or more")
        if set(kinds[name].statuses) - {"200", "202"}:
            faults.append(f"{name}: not every request was answered well")
    if most >= MEMORY:
        faults.append(f"memory: more than {MEMORY >> 20} MiB")
    for fault in faults:
        print(f"abuse: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _callers(base_url: str, photographs: list[bytes]) -> dict[str, tuple[Ask, str, int, float]]:
    """By name: what a kind of caller asks, from which address, how many there are, their pause."""
    numbers = count()
    bombs = [bomb(number) for number in range(BOMBS)]
    post: dict[str, Any] = {"timeout": PATIENCE, "headers": {"Content-Type": "image/png"}}
    url = f"{base_url}/v1/images"
    target = requests.post(url, data=bombs[0], **post).json()["id"]

    def wait(session: requests.Session) -> requests.Response:
        params = {"tolerance": next(numbers) % 10_000 / 10_000}  # never asked for before
        wanted = {"task": "outline", "image_id": target, "params": params}
        where = f"{base_url}/v1/predictions?wait=30"
        return session.post(where, json=wanted, timeout=PATIENCE)

    def send_bomb(session: requests.Session) -> requests.Response:
        where = f"{url}?tasks=classify,outline,embed&fresh=true&wait=30"
        return session.post(where, data=bombs[next(numbers) % BOMBS], **post)

    def sign_up(session: requests.Session) -> requests.Response:
        name = f"flood{next(numbers)}x{os.getpid()}"
        wanted = {"name": name, "email": f"{name}@example.org", "password": "correct horse battery"}
        return session.post(f"{base_url}/v1/users", json=wanted, timeout=PATIENCE)

    def upload(session: requests.Session) -> requests.Response:
        number = next(numbers)
        [data] = stamped([photographs[number % len(photographs)]], f"{number}")
        where = f"{base_url}/v1/predictions?task=classify"
        return session.post(
            where, data=data, headers={"Content-Type": "image/jpeg"}, timeout=PATIENCE
        )

    def look(session: requests.Session) -> requests.Response:
        return session.get(f"{base_url}/healthz", timeout=PATIENCE)

    return {
        "waiting": (wait, HOSTILE, WAITING, 0),
        "bombs": (send_bomb, HOSTILE, BOMBS, 0),
        "sign-ups": (sign_up, HOSTILE, SIGNING_UP, 0),
        "upload": (upload, HONEST, 1, EVERY),
        "/healthz": (look, HONEST, 1, EVERY),
    }


def _workers(pid: int) -> set[int]:
    return {each.pid for each in family(pid)}


def _line(name: str, kind: Kind) -> str:
    middle, late, most = (percentile(kind.seconds, percent) for percent in (50, 99, 100))
    statuses = ", ".join(f"{status}: {times}" for status, times in sorted(kind.statuses.items()))
    return f"{name:<10}{len(kind.seconds):>8}{middle:>8.2f}{late:>8.2f}{most:>8.2f}  {statuses}"


if __name__ == "__main__":
    sys.exit(main())
