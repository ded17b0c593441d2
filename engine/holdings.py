"""`python -m engine.holdings [--json]`: what each table and folder holds, and what bounds it."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.database.session import read
from common.errors import AfterimageError
from common.housekeeping import holdings
from common.observability.logs import configure
from common.services import Services, open_services
from common.settings import Settings
from engine.index.store import Index

SHARED_MEMORY = Path("/dev/shm")
STORED = ("objects", "thumbnails")
TABLE = "{:<22}{:>12}{:>14}  {:<20}{}"
FOLDER = "{:<34}{:>12}{:>16}"
INDEX = "{:<34}{:>8}{:>10}{:>11}"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything could be read, else 1."""
    parser = argparse.ArgumentParser(prog="python -m engine.holdings", description=__doc__)
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    as_json = parser.parse_args(arguments).json
    try:
        settings = Settings.from_env()
        configure(settings.log_level, settings.log_format)
        with open_services(settings) as services:
            found = report(services)
    except AfterimageError as error:
        print(f"holdings: {error.explained}", file=sys.stderr)
        return 1
    print(json.dumps(found, default=str, indent=2) if as_json else "\n".join(lines(found)))
    return 0


def report(services: Services) -> dict[str, Any]:
    """Tables, folders and index tables with what they hold. Raises Unavailable."""
    tables = read(services.sessions, lambda session: list(holdings.tables(session)))
    settings = services.settings
    folders = [_folder(path) for path in sorted(settings.data_dir.iterdir())]
    if not settings.model_dir.is_relative_to(settings.data_dir):
        folders.append(_folder(settings.model_dir))
    return {
        "tables": [asdict(table) for table in tables],
        "store": [_stored(services, prefix) for prefix in STORED],
        "folders": folders + [_folder(path) for path in _shared_memory()],
        "index": Index(settings.index_url).holdings(),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The report for people."""
    yield TABLE.format("table", "rows", "bytes", "oldest", "what bounds it")
    for each in found["tables"]:
        oldest, size = str(each["oldest"] or "")[:19], each["size"]
        yield TABLE.format(
            each["table"], each["rows"], "" if size is None else size, oldest, each["rule"]
        )
    yield ""
    yield FOLDER.format("folder", "files", "bytes")
    for each in found["store"] + found["folders"]:
        yield FOLDER.format(each["folder"], each["files"], each["bytes"])
    yield ""
    yield INDEX.format("index", "rows", "versions", "fragments")
    for each in found["index"]:
        yield INDEX.format(each["table"], each["rows"], each["versions"], each["fragments"])


def _stored(services: Services, prefix: str) -> dict[str, Any]:
    sizes = [entry.size for entry in services.storage.list(prefix)]
    return {"folder": f"store: {prefix}", "files": len(sizes), "bytes": sum(sizes)}


def _folder(path: Path) -> dict[str, Any]:
    sizes = list(_sizes(path.rglob("*") if path.is_dir() else [path]))
    return {"folder": str(path), "files": len(sizes), "bytes": sum(sizes)}


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    """Of those that are files; others may be removing them meanwhile."""
    for path in paths:
        try:
            if path.is_file():
                yield path.stat().st_size
        except OSError:
            continue


def _shared_memory() -> Iterator[Path]:
    """The folders of metrics that several processes share."""
    return SHARED_MEMORY.glob("afterimage-metrics-*")


if __name__ == "__main__":
    sys.exit(main())
