"""The bare limit: decode and predict in one process a core, with nothing around it.

The same photographs, the same model and the very functions of the engine's classify task; no
network, no queue, no rows. Each process is started as `python -m bench.bare FOLDER MODEL_DIR FD`
and takes the numbers of its photographs from a pipe that all of them share.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.photographs import read_all
from bench.processes import helper
from common.settings import Settings
from common.tasks import contract
from engine.tasks import TaskRunner, open_runner

WARM_UP = 20
LONGEST = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Bare:
    """One measurement: seconds on the clock, and seconds of CPU, decoding and predicting summed
    over the processes; the class of each photograph's best label.
    """

    seconds: float
    labels: list[int]
    cpu: float
    decode: float
    predict: float

    @property
    def rate(self) -> float:
        """Images a second."""
        return len(self.labels) / self.seconds


def measure(folder: Path, model_dir: Path, count: int) -> Bare:
    """Run the first `count` photographs of `folder` through one process a core."""
    numbers, pipe = os.pipe()
    with ExitStack() as stack:
        stack.callback(os.close, numbers)
        try:
            helpers = [
                stack.enter_context(helper("bench.bare", folder, model_dir, numbers, fds=[numbers]))
                for _ in range(os.cpu_count() or 1)
            ]
            for each in helpers:
                each.hear(LONGEST)
            start = time.monotonic()
            # A process reads four bytes at once, so no photograph is processed twice.
            os.write(pipe, b"".join(number.to_bytes(4, "big") for number in range(count)))
        finally:
            os.close(pipe)
        said = [json.loads(each.hear(LONGEST)) for each in helpers]
    return _together(said, start)


def _together(said: list[dict[str, Any]], start: float) -> Bare:
    labels = {int(number): label for one in said for number, label in one["labels"].items()}
    return Bare(
        seconds=max(one["end"] for one in said) - start,
        labels=[labels[number] for number in range(len(labels))],
        cpu=sum(one["cpu"] for one in said),
        decode=sum(one["decode"] for one in said),
        predict=sum(one["predict"] for one in said),
    )


def _numbers(pipe: int) -> Iterator[int]:
    while taken := os.read(pipe, 4):
        yield int.from_bytes(taken, "big")


def run(work: TaskRunner, photographs: list[bytes], numbers: Iterator[int]) -> dict[str, Any]:
    """Predict the photographs of these numbers, one after another."""
    params = contract("classify").check_params({})
    labels: dict[int, int] = {}
    decode = predict = 0.0
    cpu = time.process_time()
    for number in numbers:
        start = time.thread_time()
        prepared = work.prepare(photographs[number], params)
        decoded = time.thread_time()
        [result] = work.run([prepared], [params])
        end = time.thread_time()
        labels[number] = result["labels"][0]["class_id"]
        decode += decoded - start
        predict += end - decoded
    spent = {"decode": decode, "predict": predict, "cpu": time.process_time() - cpu}
    return spent | {"labels": labels, "end": time.monotonic()}


def main() -> None:
    """Load everything and warm up, say "ready", run, and write what was found as JSON."""
    folder, model_dir, pipe = sys.argv[1:4]
    work = open_runner("classify", Settings.from_env(os.environ | {"MODEL_DIR": model_dir}))
    photographs = read_all(Path(folder))
    run(work, photographs, iter(range(min(WARM_UP, len(photographs)))))
    print("ready", flush=True)
    print(json.dumps(run(work, photographs, _numbers(int(pipe)))), flush=True)


if __name__ == "__main__":
    main()
