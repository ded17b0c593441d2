"""Votes read at the edge: a page of them, or all as a download."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response
from sqlalchemy import Row

from api.feedback.schemas import COLUMNS, view
from api.http.export import download
from api.state import services
from common.database.session import Sessions, read
from common.search.feedback.votes import page

AT_ONCE = 500  # votes that a download reads at a time
MOST = 100  # votes of a page


def page_of(query: dict[str, Any]) -> tuple[list[dict[str, Any]], UUID | None]:
    """A page of votes as VoteView shows them, and the cursor of the next one."""
    most = query.get("limit", MOST)
    rows = _read(services().sessions, query.get("query"), query.get("cursor"), most + 1)
    return [view(row) for row in rows[:most]], rows[most - 1].id if len(rows) > most else None


def all_of(query: dict[str, Any], form: str) -> Response:
    """All votes behind the cursor, or up to a limit, as a download."""
    fetch = partial(_read, services().sessions, query.get("query"))
    most = query.get("limit")
    rows = fetch(query.get("cursor"), most or AT_ONCE)
    return download("feedback", form, COLUMNS, _rows(fetch, rows, is_all=most is None))


def _read(
    sessions: Sessions, query: str | None, after: UUID | None, most: int
) -> Sequence[Row[Any]]:
    return read(sessions, partial(page, query=query, after=after, most=most))


def _rows(fetch: Any, rows: Sequence[Row[Any]], is_all: bool) -> Iterator[dict[str, Any]]:
    """The first rows were fetched while there still could be another answer than 200."""
    while rows:
        yield from map(view, rows)
        rows = fetch(rows[-1].id, AT_ONCE) if is_all else ()
