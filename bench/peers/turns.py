"""The measurement: one contender after another, between measurements of the bare limit.

Only one contender runs at a time. Each is started on an empty folder, warmed up, measured, and
stopped, so that the others take neither memory nor CPU time from it.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.bare_limit import BareLimit
from bench.load import Answer
from bench.peers.contenders import Contender
from bench.processes import BenchFailed, Helper, helper
from bench.report import Run, line
from bench.rounds import LONGEST, WARM_UP, run_round

START_SECONDS = 60.0  # until a started contender gives its first label
TAIL = 1500  # characters of each log that a failure shows


@dataclass
class Result:
    """The runs of one contender. `failure` is why it has no more of them, else empty."""

    contender: Contender
    runs: list[Run] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Turns:
    """What each turn uses: photographs, models, a folder for data, and the number of clients."""

    pictures: Path
    model_dir: Path
    folder: Path
    clients: int
    count: int

    def measure(
        self, contenders: Sequence[Contender], rounds: int, bare: Callable[[], BareLimit]
    ) -> list[Result]:
        """Run the rounds. A contender that fails has no further turns."""
        results = [Result(contender) for contender in contenders]
        before = bare()
        for number in range(1, rounds + 1):
            for result in results:
                if result.failure:
                    continue
                try:
                    seconds, answers, cpu = self._run(result.contender, number)
                except (BenchFailed, RuntimeError, OSError, psutil.Error) as error:
                    result.failure = str(error)
                    continue
                after = bare()
                result.runs.append(Run(seconds, answers, cpu, before, after))
                before = after
                text = f"{result.contender.name}: {line(number, result.runs[-1])}"
                print(text, file=sys.stderr, flush=True)
        return results

    def _run(
        self, contender: Contender, number: int
    ) -> tuple[float, list[Answer], dict[str, float]]:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            folder = Path(name)
            with contender.start(folder, self.model_dir) as stack:
                options = (self.pictures, stack.port, self.clients, contender.protocol)
                with helper("bench.peers.protocols", *options) as load:
                    load.hear(LONGEST)
                    _wait_for_label(load, folder)
                    run_round(load, {}, min(self.count, WARM_UP), f"warm-up {number}")
                    return run_round(load, stack.parts, self.count, f"round {number}")


def _wait_for_label(load: Helper, folder: Path) -> None:
    """Post one photograph until it gets a label. Raises BenchFailed with the logs if none comes."""
    deadline = time.monotonic() + START_SECONDS
    attempt = 0
    while True:
        _, [answer], _ = run_round(load, {}, 1, f"first {attempt}")
        if answer.label is not None:
            return
        if time.monotonic() > deadline:
            logs = [log.read_text(errors="replace")[-TAIL:] for log in folder.glob("*.log")]
            raise BenchFailed("\n".join([f"no label: {answer.problem}", *logs]))
        attempt += 1
        time.sleep(0.2)
