"""Does every query of the dashboards have an answer? `python docker/grafana/check.py URL`

Asks the Prometheus at URL for each of them, as Grafana would, and ends with 1 when one has no data,
or no number among them. With `--wait SECONDS` it asks again that long: rates need two scrapes.
"""

import argparse
import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DASHBOARDS = Path(__file__).parent / "dashboards"
# What Grafana puts in the place of its variables.
VARIABLES = {"$__rate_interval": "1m", "$task": ".*"}


def queries(folder: Path = DASHBOARDS) -> Iterator[tuple[str, str]]:
    """(panel, query) of every dashboard in the folder."""
    for path in sorted(folder.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield panel["title"], target["expr"]


def problem(url: str, query: str) -> str:
    """What is wrong with the query's answer; nothing when it holds a number."""
    for variable, value in VARIABLES.items():
        query = query.replace(variable, value)
    address = f"{url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        return str(json.load(error).get("error", error))
    if not result:
        return "no data"
    numbers = (float(series["value"][1]) for series in result)
    return "" if any(map(math.isfinite, numbers)) else "no number"


def unanswered(url: str, patience: float) -> Iterator[tuple[str, str, str]]:
    """(panel, query, problem) of those that have no answer within `patience` seconds."""
    end = time.monotonic() + patience
    for panel, query in queries():
        while (why := problem(url, query)) and time.monotonic() < end:
            time.sleep(0.5)
        if why:
            yield panel, query, why


def main() -> int:
    """0 when every query has an answer."""
    parser = argparse.ArgumentParser(prog="check.py", description=__doc__)
    parser.add_argument("url", help="of Prometheus, such as http://127.0.0.1:9090")
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="in all")
    options = parser.parse_args()
    count = len(list(queries()))
    wrong = list(unanswered(options.url, options.wait))
    for panel, query, why in wrong:
        print(f"{panel}: {why}\n  {query}")
    print(f"{count - len(wrong)} of {count} queries have an answer")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
