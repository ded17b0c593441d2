"""Rows as JSON, JSON lines or CSV, streamed: what was asked for by `?format=` or `Accept`."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from flask import Request, Response

JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
FORMATS = {"json": JSON, "jsonl": LINES, "csv": CSV}
# What makes a spreadsheet take a cell for a formula, in the half-width and the full-width form.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = dict[str, Any]


def wanted_format(request: Request, named: str | None) -> str:
    """json, jsonl or csv: the one named, else what the client likes best, else json."""
    if named:
        return named
    liked = request.accept_mimetypes.best_match([*FORMATS.values(), "application/jsonl"], JSON)
    return next((name for name, kind in FORMATS.items() if kind == liked), "jsonl")


def download(name: str, form: str, columns: Sequence[str], rows: Iterable[Row]) -> Response:
    """A file called `name` with all of the rows, written while they are read."""
    write = {"json": _json, "jsonl": _lines, "csv": _csv}[form]
    response = Response(write(name, columns, rows), content_type=f"{FORMATS[form]}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def harmless(value: object) -> str:
    """A cell that no spreadsheet runs: with an apostrophe before what could begin a formula."""
    text = "" if value is None else _plain(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _json(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield f'{{"{name}": ['.encode()
    between = b""
    for row in rows:
        yield between + _encoded(row)
        between = b",\n"
    yield b"]}\n"


def _lines(_name: str, _columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        yield _encoded(row) + b"\n"


def _encoded(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False, default=_plain).encode("utf-8", "replace")


def _csv(_name: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """As RFC 4180 has it, with a header."""
    yield _cells(columns)
    for row in rows:
        yield _cells([harmless(row[column]) for column in columns])


def _cells(cells: Sequence[str]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
