"""List votes page by page, or stream all of them as a download."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response

from api.feedback.schemas import COLUMNS, vote_view
from api.http.export import download
from api.http.pagination import Page, read_page
from api.state import services
from common.database.session import Sessions, read
from common.search.feedback import votes
from common.search.feedback.votes import VoteRecord

DOWNLOAD_CHUNK = 500  # votes that a download reads in one transaction
DEFAULT_LIMIT = 100  # votes of a page


def list_votes(query: dict[str, Any]) -> Page[VoteRecord]:
    """Return a page of votes, in the order in which they were first cast."""
    fetch = partial(votes.list_votes, query=query.get("query"), after=query.get("cursor"))
    return read_page(query.get("limit", DEFAULT_LIMIT), fetch, lambda vote: str(vote.id))


def download_votes(query: dict[str, Any], file_format: str) -> Response:
    """Return the votes after the cursor, up to `limit` if it is set, as a streamed download."""
    fetch = partial(_read, services().sessions, query.get("query"))
    limit = query.get("limit")
    # The first chunk is read here: an error can then still change the status.
    first = fetch(query.get("cursor"), limit or DOWNLOAD_CHUNK)
    return download("feedback", file_format, COLUMNS, _rows(fetch, first, is_all=limit is None))


def _read(
    sessions: Sessions, query: str | None, after: UUID | None, limit: int
) -> Sequence[VoteRecord]:
    return read(sessions, partial(votes.list_votes, query=query, after=after, limit=limit))


def _rows(fetch: Any, rows: Sequence[VoteRecord], is_all: bool) -> Iterator[dict[str, Any]]:
    while rows:
        yield from map(vote_view, rows)
        rows = fetch(rows[-1].id, DOWNLOAD_CHUNK) if is_all else ()
