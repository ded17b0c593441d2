"""What a request costs a running service, seen from outside: CPU, memory, and others' waiting."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

EVERY = 0.05  # seconds between a bystander's requests


@dataclass
class Cost:
    """CPU in seconds; memory in bytes above what there was before, and the peak of all of it."""

    cpu: float = 0.0
    memory: int = 0
    peak: int = 0


@contextlib.contextmanager
def cost_of(pid: int) -> Iterator[Cost]:
    """Measure a service and its workers, by the pid of the first of its processes.

    Memory is the highest resident size meanwhile, which Linux keeps for each process.
    """
    processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for each in processes:
        reset_peak(each.pid)
    before = {each: (_cpu(each), each.memory_info().rss) for each in processes}
    cost = Cost()
    yield cost
    for each, (cpu, resident) in before.items():
        cost.cpu += _cpu(each) - cpu
        peak = peak_memory(each.pid)
        cost.memory += max(0, peak - resident)
        cost.peak += peak


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def reset_peak(pid: int) -> None:
    """Set the process's peak of memory to what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_memory(pid: int) -> int:
    """The most bytes that were resident in the process since its peak was reset."""
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


@dataclass
class Bystander:
    """Another caller, who asks for something cheap again and again while a test is at work."""

    url: str
    path: str = "/healthz"
    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __enter__(self) -> "Bystander":
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._done.set()
        self._thread.join(60)

    @property
    def slowest(self) -> float:
        """The longest that the bystander had to wait, in seconds."""
        assert self.seconds, "no request of the bystander was answered"
        return max(self.seconds)

    def _ask(self) -> None:
        while not self._done.is_set():
            began = time.monotonic()
            try:
                answer = requests.get(self.url + self.path, timeout=30)
                if answer.status_code != 200:
                    self.failed.append(answer.text)
            except requests.RequestException as error:
                self.failed.append(repr(error))
            self.seconds.append(time.monotonic() - began)
            self._done.wait(EVERY)
