"""Rounds of a load generator, and what they cost each part of the service."""

import json
from collections.abc import Callable, Iterator, Mapping

from bench.bare_limit import BareLimit
from bench.load import Answer
from bench.processes import Helper, UsageMeter
from bench.report import Run

LONGEST = 600.0  # seconds that a round may take
WARM_UP = 200  # photographs


def alternate(
    load: Helper, parts: Mapping[str, int], measure: Callable[[], BareLimit], count: int, runs: int
) -> Iterator[Run]:
    """Alternate bare and service runs: each service run has a bare run before and after it."""
    before = measure()
    for number in range(1, runs + 1):
        seconds, answers, cpu = run_round(load, parts, count, f"run {number}")
        after = measure()
        yield Run(seconds, answers, cpu, before, after)
        before = after


def run_round(
    load: Helper, parts: Mapping[str, int], count: int, text: str
) -> tuple[float, list[Answer], dict[str, float]]:
    """Post the first `count` photographs, stamped with `text`, through a started load generator.

    Returns the seconds, the answers, and the CPU seconds of each part and of the load generator.
    Raises BenchFailed when it takes too long.
    """
    load.say(f"{count} {text}")
    load.hear(LONGEST)
    meter = UsageMeter({**parts, "load generator": load.pid})
    load.say()
    load.hear(LONGEST)
    cpu = meter.stop()
    said = json.loads(load.hear(LONGEST))
    return said["seconds"], [Answer(**answer) for answer in said["answers"]], cpu
