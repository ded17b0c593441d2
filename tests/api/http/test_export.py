"""Downloads: cells that no spreadsheet runs, lines that every parser reads."""

import csv
import json
from io import StringIO
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from api.http.export import (
    CSV,
    FORMULA_PREFIXES,
    JSON,
    LINES,
    download,
    escape_formula,
    wanted_format,
)

COLUMNS = ["query", "counts", "count", "none"]
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=cmd|"/C calc"!A0']


def rows(text: str) -> list[dict[str, Any]]:
    return [{"query": text, "counts": True, "count": 3, "none": None}] * 2


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("text", DANGEROUS)
def test_what_could_be_a_formula_becomes_text(text: str) -> None:
    answer = download("votes", "csv", COLUMNS, rows(text))
    assert read_csv(answer.get_data())[1:] == [[f"'{text}", "true", "3", ""]] * 2


@given(st.text())
def test_no_cell_begins_a_formula_and_every_csv_is_read_back(text: str) -> None:
    assert not escape_formula(text).startswith(FORMULA_PREFIXES)
    assert escape_formula(text).removeprefix("'") == text.removeprefix("'")
    [header, first, second] = read_csv(download("v", "csv", COLUMNS, rows(text)).get_data())
    assert (header, first) == (COLUMNS, second)
    assert first[0] == escape_formula(text).encode("utf-8", "replace").decode()


@given(st.text(st.characters(codec="utf-8")))
def test_json_and_lines_say_what_they_were_given(text: str) -> None:
    whole = json.loads(download("votes", "json", COLUMNS, rows(text)).get_data())
    assert whole == {"votes": rows(text)}
    lines = download("votes", "jsonl", COLUMNS, rows(text)).get_data().splitlines()
    assert [json.loads(line) for line in lines] == rows(text)


def test_nothing_is_still_a_file() -> None:
    assert download("votes", "json", COLUMNS, []).get_json() == {"votes": []}
    assert download("votes", "jsonl", COLUMNS, []).get_data() == b""
    answer = download("votes", "csv", COLUMNS, [])
    assert read_csv(answer.get_data()) == [COLUMNS]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="votes.csv"'
    assert answer.content_type == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "named", "form"),
    [
        ("", None, "json"), ("*/*", None, "json"), (JSON, None, "json"), (LINES, None, "jsonl"),
        ("application/jsonl", None, "jsonl"), (CSV, None, "csv"), ("text/*", None, "csv"),
        (f"{JSON};q=0.5, {CSV}", None, "csv"), ("image/png", None, "json"), (CSV, "jsonl", "jsonl"),
    ],
)  # fmt: skip
def test_the_form_is_the_one_named_or_liked_best(accept: str, named: str, form: str) -> None:
    with Flask("x").test_request_context(headers={"Accept": accept}):
        assert wanted_format(request, named) == form
