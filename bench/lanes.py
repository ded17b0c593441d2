"""`python -m bench.lanes`: does a caption provider that hangs slow labels down?

The served stack with one engine for both tasks. First labels alone; then captions are asked for,
all of which hang at the provider, and labels again. Prints both rates and their ratio.
"""

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Answer
from bench.photographs import make_photographs, read_all, stamped
from bench.processes import HOUSE, BenchFailed, Helper, helper
from bench.stack import Stack, run_module, running_stack

LONGEST = 600.0  # seconds
CAPTIONS = 64  # eight for each of the default eight workers
PATIENCE = 30.0  # seconds until calls reach the provider
TASKS = "classify,caption"


def main() -> int:
    """0 when all labels came; 1 when some did not, or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.lanes", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="photographs a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, _silent() as provider:
            print(_measure(Path(folder), provider, options.count, options.rounds))
    except (BenchFailed, RuntimeError, OSError) as error:
        print(f"lanes: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _silent() -> Iterator[socket.socket]:
    """A provider that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=CAPTIONS) as listener:
        yield listener


def _measure(folder: Path, provider: socket.socket, count: int, rounds: int) -> str:
    shared = HOUSE.parent / "shared"
    images = Path(os.environ.get("IMAGES_DIR") or shared / "images")
    model_dir, pictures = folder / "models", folder / "photographs"
    make_photographs(images, pictures, count, seed=1)
    os.environ.setdefault("MODEL_MIRROR", str(shared / "models"))
    os.environ |= {
        "CAPTIONER_URL": f"openai+http://127.0.0.1:{provider.getsockname()[1]}/v1?model=mute",
        "OPENAI_API_KEY": "none",
    }
    run_module(os.environ | {"MODEL_DIR": str(model_dir)}, "engine.models", "pull")
    with (
        running_stack(folder, model_dir, engines=1, tasks=TASKS) as stack,
        helper("bench.load", pictures, stack.port, 32, "wait") as load,
    ):
        load.hear(LONGEST)
        labels_a_second(load, count, "warm-up")
        alone = [labels_a_second(load, count, f"alone {n}") for n in range(rounds)]
        with _hanging(stack, provider, pictures):
            beside = [labels_a_second(load, count, f"beside {n}") for n in range(rounds)]
    ratio = statistics.median(beside) / statistics.median(alone)
    return "\n".join(
        [
            f"{rounds} x {count} photographs, 32 clients; labels a second:",
            f"alone                        {_spread(alone)}",
            f"beside a hanging provider    {_spread(beside)}",
            f"ratio of the medians         {ratio:.2f}",
        ]
    )


def labels_a_second(load: Helper, count: int, text: str) -> float:
    """Labels a second of one round; raises BenchFailed when one did not come."""
    load.say(f"{count} {text}")
    load.hear(LONGEST)
    load.say()
    load.hear(LONGEST)
    said = json.loads(load.hear(LONGEST))
    answers = [Answer(**answer) for answer in said["answers"]]
    if missing := sum(answer.label is None for answer in answers):
        raise BenchFailed(f"{missing} of {count} labels did not come")
    return float(count / said["seconds"])


@contextmanager
def _hanging(stack: Stack, provider: socket.socket, pictures: Path) -> Iterator[None]:
    """Captions are asked for, and calls hang at the provider until the end."""
    taken: list[socket.socket] = []
    threading.Thread(target=_accept, args=(provider, taken), daemon=True).start()
    for photograph in stamped(read_all(pictures)[:CAPTIONS], "captions"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{stack.port}/v1/predictions?task=caption",
            photograph,
            {"Content-Type": "image/jpeg"},
        )
        urllib.request.urlopen(request, timeout=30).close()
    deadline = time.monotonic() + PATIENCE
    while not taken:
        if time.monotonic() > deadline:
            raise BenchFailed("no call reached the provider")
        time.sleep(0.1)
    try:
        yield
    finally:
        for connection in taken:
            connection.close()


def _accept(provider: socket.socket, taken: list[socket.socket]) -> None:
    try:
        while True:
            taken.append(provider.accept()[0])
    except OSError:
        return  # closed: that was all


def _spread(rates: list[float]) -> str:
    return f"{statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})"


if __name__ == "__main__":
    sys.exit(main())
