"""An image that aborts the process fails as `poison`, alone (F9 of docs/fault-model.md)."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.clients import Clients, Upload
from tests.faults.crashing import POISON
from tests.faults.ledger import check
from tests.faults.stack import FaultStack

AROUND = 30  # neighbours before and after it: more than one batch of each worker


@contextmanager
def supervised(stack: FaultStack) -> Iterator[list[int]]:
    """Start the engine again whenever it has died, as a container's restart policy does; yields
    the exit codes seen.
    """
    codes: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            if (code := stack.engines[0].process.poll()) is not None:
                codes.append(code)
                stack.start_engine(0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield codes
    finally:
        ended.set()
        watcher.join()


def as_poison(upload: Upload, row: dict[str, Any]) -> bool:
    if POISON in upload.data:
        return bool(row["status"] == "failed" and row["error"]["code"] == "poison")
    return bool(row["status"] == "succeeded")


def test_poison_fails_alone(stack: FaultStack) -> None:
    stack.stop_engines()
    with Clients(stack.urls, "poison", count=1) as clients:
        clients.send(1, POISON)
        clients.send(AROUND)
        clients.send(1, POISON)
        clients.send(AROUND)
    with supervised(stack) as codes:
        stack.start_engine(0)
        ledger = check(stack, clients.uploads, within=120, expected=as_poison)
    assert ledger.is_clean, ledger
    assert ledger.finished == 2 * AROUND + 2
    assert set(codes) == {-6}
    assert len(codes) <= 8, "each poison image may kill one engine in company and three alone"
