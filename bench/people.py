"""`python -m bench.people`: how the lists of posts and people do in a large database.

Fills a MariaDB with posts, likes and follows as communities have them (a few of everything are very
popular), then for each list: the plan by which it is read, with the rows that were really read, and
how long a whole page takes. Exits 1 when a list reads or sorts everything, or its p99 is over the
limit.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.people_filling import Size, fill
from bench.people_lists import Measured, measure
from tests.support.rows.databases import migrate, opened
from tests.support.servers.private import start_mariadb

LIMIT = 0.050  # seconds, the p99 of a page


def main() -> int:
    """0 when every list is read along an index and is fast enough."""
    options = _options()
    size = Size(options.users, options.posts, options.likes)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        if options.url:
            return _bench(options.url, Path(folder), size, options.calls)
        server = start_mariadb(Path(folder) / "mariadb")
        try:
            return _bench(server.url, Path(folder), size, options.calls)
        finally:
            server.stop()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.people", description=__doc__)
    add = parser.add_argument
    add("--url", help="an empty database; default: a MariaDB of its own, gone afterwards")
    add("--users", type=int, default=10_000, help="default: %(default)s")
    add("--posts", type=int, default=100_000, help="default: %(default)s")
    add("--likes", type=int, default=1_000_000, help="default: %(default)s")
    add("--calls", type=int, default=400, help="pages a list; default: %(default)s")
    return parser.parse_args()


def _bench(url: str, folder: Path, size: Size, calls: int) -> int:
    migrate(url, folder)
    with opened(url) as sessions:
        filled = fill(sessions, size, _say)
        found = [_told(each) for each in measure(sessions, filled, calls)]
    faults = [fault for each in found for fault in each.faults(LIMIT, size.posts)]
    for fault in faults:
        _say(f"bench: {fault}")
    return 1 if faults else 0


def _told(measured: Measured) -> Measured:
    print(measured.report(), flush=True)
    return measured


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
