"""Streamed downloads of rows as JSON, JSON lines or CSV, chosen by `?format=` or `Accept`."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO
from typing import Any

from flask import Request, Response

JSON, LINES, CSV = "application/json", "application/x-ndjson", "text/csv"
FORMATS = {"json": JSON, "jsonl": LINES, "csv": CSV}
# Prefixes that make a spreadsheet read a cell as a formula, in half-width and full-width form.
# https://owasp.org/www-community/attacks/CSV_Injection
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = dict[str, Any]


def wanted_format(request: Request, named: str | None) -> str:
    """Return json, jsonl or csv: `named` if it is set, else by the Accept header, else json."""
    if named:
        return named
    preferred = request.accept_mimetypes.best_match([*FORMATS.values(), "application/jsonl"], JSON)
    return next((name for name, kind in FORMATS.items() if kind == preferred), "jsonl")


def download(name: str, file_format: str, columns: Sequence[str], rows: Iterable[Row]) -> Response:
    """Return a response that streams the rows as the attachment `name`."""
    write = {"json": _json, "jsonl": _lines, "csv": _csv}[file_format]
    response = Response(
        write(name, columns, rows), content_type=f"{FORMATS[file_format]}; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{file_format}"'
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    return response


def escape_formula(value: object) -> str:
    """Return the text of a CSV cell, with an apostrophe before a text that could be a formula."""
    text = "" if value is None else _plain(value)
    return f"'{text}" if text.startswith(FORMULA_PREFIXES) else text


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _json(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield f'{{"{name}": ['.encode()
    separator = b""
    for row in rows:
        yield separator + _encoded(row)
        separator = b",\n"
    yield b"]}\n"


def _lines(_name: str, _columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        yield _encoded(row) + b"\n"


def _encoded(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False, default=_plain).encode("utf-8", "replace")


def _csv(_name: str, columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the lines of a CSV file with a header line (RFC 4180)."""
    yield _cells(columns)
    for row in rows:
        yield _cells([escape_formula(row[column]) for column in columns])


def _cells(cells: Sequence[str]) -> bytes:
    line = StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue().encode("utf-8", "replace")
