"""`python -m engine.holdings [--json]`: show the size of each table and folder, and what
limits it.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.database.session import read
from common.housekeeping import holdings
from common.services import Services
from engine.command_line import run_program
from engine.index.store import Index

SHARED_MEMORY = Path("/dev/shm")
STORED = ("objects", "thumbnails")
TABLE = "{:<22}{:>12}{:>14}  {:<20}{}"
FOLDER = "{:<34}{:>12}{:>16}"
INDEX = "{:<34}{:>8}{:>10}{:>11}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if everything could be read, else 1."""
    parser = argparse.ArgumentParser(prog="python -m engine.holdings", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    as_json = parser.parse_args(arguments).json

    def show(services: Services) -> int:
        values = report(services)
        print(json.dumps(values, default=str, indent=2) if as_json else "\n".join(lines(values)))
        return 0

    return run_program("holdings", show)


def report(services: Services) -> dict[str, Any]:
    """Return what tables, folders and index tables hold. Raises Unavailable."""
    settings = services.settings
    limit = settings.retention_days
    tables = read(services.sessions, lambda session: list(holdings.tables(session, limit)))
    folders = [_folder(path) for path in sorted(settings.data_dir.iterdir())]
    if not settings.model_dir.is_relative_to(settings.data_dir):
        folders.append(_folder(settings.model_dir))
    return {
        "tables": [asdict(table) for table in tables],
        "store": [_stored(services, prefix) for prefix in STORED],
        "folders": folders + [_folder(path) for path in _shared_memory()],
        "index": Index(settings.index_url).holdings(),
    }


def lines(values: dict[str, Any]) -> Iterator[str]:
    """Return the report as lines of text."""
    yield TABLE.format("table", "rows", "bytes", "oldest", "limited by")
    for each in values["tables"]:
        oldest, size = str(each["oldest"] or "")[:19], each["size"]
        yield TABLE.format(
            each["table"], each["rows"], "" if size is None else size, oldest, each["rule"]
        )
    yield ""
    yield FOLDER.format("folder", "files", "bytes")
    for each in values["store"] + values["folders"]:
        yield FOLDER.format(each["folder"], each["files"], each["bytes"])
    yield ""
    yield INDEX.format("index", "rows", "versions", "fragments")
    for each in values["index"]:
        yield INDEX.format(each["table"], each["rows"], each["versions"], each["fragments"])


def _stored(services: Services, prefix: str) -> dict[str, Any]:
    sizes = [entry.size for entry in services.storage.list(prefix)]
    return {"folder": f"store: {prefix}", "files": len(sizes), "bytes": sum(sizes)}


def _folder(path: Path) -> dict[str, Any]:
    sizes = list(_sizes(path.rglob("*") if path.is_dir() else [path]))
    return {"folder": str(path), "files": len(sizes), "bytes": sum(sizes)}


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    """Return the sizes of the files among `paths`; files that are being removed are skipped."""
    for path in paths:
        try:
            if path.is_file():
                yield path.stat().st_size
        except OSError:
            continue


def _shared_memory() -> Iterator[Path]:
    """Return the folders of metrics that several processes share."""
    return SHARED_MEMORY.glob("afterimage-metrics-*")


if __name__ == "__main__":
    sys.exit(main())
