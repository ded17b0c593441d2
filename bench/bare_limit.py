"""The bare limit: one process of the yardstick per core, with nothing around it.

No network, queue, rows or files: photographs in memory, the decoder and the network alone. See
`bench/yardstick/classify_jpegs.py`, which runs in a virtual environment of its own.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.processes import HOUSE, BenchFailed, talking_program
from engine.models.catalogue import default_model

PROGRAM = HOUSE / "bench" / "yardstick" / "classify_jpegs.py"
PYTHON = Path(sys.prefix) / "yardstick" / "bin" / "python"
LONGEST = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class BareLimit:
    """One measurement: seconds on the clock, and seconds of CPU, decoding and predicting summed
    over the processes; `labels` are the best class of each photograph.
    """

    count: int
    seconds: float
    cpu: float
    decode: float
    predict: float
    labels: Sequence[int] = ()

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.count / self.seconds


def network_path(model_dir: Path) -> Path:
    """The file of the network that is compared, the default classifier."""
    model = default_model("classify")
    return model_dir / model.folder / model.files[0].name


def measure(folder: Path, model_dir: Path, count: int) -> BareLimit:
    """Run the first `count` photographs of `folder` through one process per core.

    Raises BenchFailed without the yardstick's virtual environment.
    """
    if not PYTHON.exists():
        raise BenchFailed(f"{PYTHON} does not exist: run `make bench`, which installs it")
    network = network_path(model_dir)
    numbers, pipe = os.pipe()
    command = [str(PYTHON), str(PROGRAM), str(folder), str(network), str(numbers)]
    with ExitStack() as stack:
        stack.callback(os.close, numbers)
        try:
            helpers = [
                stack.enter_context(talking_program("the yardstick", command, fds=[numbers]))
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
    seconds = max(one["end"] for one in said) - start
    total = {key: sum(one[key] for one in said) for key in ("count", "cpu", "decode", "predict")}
    best = sorted((number, index) for one in said for number, index in one["best"])
    classes = default_model("classify").labels
    background = classes.background if classes else 0
    labels = [index - background for _, index in best]
    return BareLimit(seconds=seconds, labels=labels, **total)
