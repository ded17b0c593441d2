"""Classification at a given rate: photographs sent on schedule, however long earlier ones take.

Started as `python -m bench.pace FOLDER PORT RATE SECONDS`; prints "ready", reads a line, and
finally prints the rate of correct results per second.
"""

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.load import Client, parse, post
from bench.photographs import read_all, stamped

CLIENTS = 16


def main() -> None:
    """Send photographs over and over, stamped anew, until the time is over."""
    folder, port, rate, seconds = Path(sys.argv[1]), *map(float, sys.argv[2:5])
    photographs = read_all(folder)
    count = int(rate * seconds)
    posts = [
        post(each, "wait")
        for start in range(0, count, len(photographs))
        for each in stamped(photographs, f"pace {start}")
    ][:count]
    print("ready", flush=True)
    sys.stdin.readline()
    done: list[float] = []
    numbers, begin = itertools.count(), time.perf_counter()
    threads = [
        threading.Thread(target=_work, args=(int(port), posts, numbers, begin, rate, done))
        for _ in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{len(done) / (time.perf_counter() - begin):.1f}", flush=True)


def _work(
    port: int,
    posts: list[bytes],
    numbers: Iterator[int],
    begin: float,
    rate: float,
    done: list[float],
) -> None:
    client = Client(port)
    while (number := next(numbers)) < len(posts):
        time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
        start = time.perf_counter()
        answer = parse(time.perf_counter() - start, client.predict(posts[number]))
        if answer.label is not None:
            done.append(answer.seconds)


if __name__ == "__main__":
    main()
