"""One round of a load generator, and what it cost each part of the service."""

import json
from collections.abc import Mapping

from bench.load import Answer
from bench.processes import Helper, UsageMeter

LONGEST = 600.0  # seconds that a round may take
WARM_UP = 200  # photographs


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
