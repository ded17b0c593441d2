"""Lists in pages: reading a page, its cursors, and the answer with the Link header to the next.

A cursor names the last row of a page, so rows that are added later do not shift the pages. Signed
cursors carry a checksum over the row's place and the list's name: a changed cursor, or one of
another list, is rejected. They are not secret and contain only what the page shows.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import request, url_for

from api.state import read
from common.errors import InputFault
from common.social.lists import NOW, TOP, ListCursor

T = TypeVar("T")
CHECK, RANK, ID = 6, 8, 16  # bytes


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """The items of a page and the cursor of the next page; None on the last page."""

    items: list[T]
    next: str | None = None


def cut(rows: Sequence[T], limit: int, cursor_of: Callable[[T], str]) -> Page[T]:
    """The page of the first `limit` rows. The caller reads up to `limit + 1` rows: the extra row
    shows that there is a next page.
    """
    items = list(rows[:limit])
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)


def read_page(
    limit: int, fetch: Callable[..., Sequence[T]], cursor_of: Callable[[T], str]
) -> Page[T]:
    """Read a page in a session of its own: `fetch(session, limit=…)` returns up to that many rows
    after the current cursor.
    """
    rows = read(partial(fetch, limit=limit + 1))
    return cut(rows, limit, cursor_of)


def read_signed_page(
    query: Mapping[str, Any],
    name: str,
    fetch: Callable[..., Sequence[T]],
    place_of: Callable[[T], ListCursor],
    start: ListCursor = TOP,
) -> Page[T]:
    """Read a page of the list `name` with signed cursors: `fetch(session, after=…, limit=…)`.

    Raises InputFault if the query's cursor is not one of this list.
    """
    cursor = query["cursor"]
    after = start if cursor is None else read_cursor(name, cursor)
    fetch_after = partial(fetch, after=after)
    return read_page(query["limit"], fetch_after, lambda row: write_cursor(name, place_of(row)))


def page_answer(page: Page[T], query: Mapping[str, Any], view: Callable[[T], Any]) -> Any:
    """The answer with a page's items as views, and a Link header (RFC 8288) to the next page that
    repeats the request's own arguments.
    """
    repeated = {name: request.args[name] for name in query if name in request.args}
    arguments = {**(request.view_args or {}), **repeated}
    body = {"items": [view(item) for item in page.items], "next": page.next}
    return body, 200, next_link(page.next, str(request.endpoint), arguments)


def next_link(cursor: str | None, endpoint: str, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The Link header to the page at `cursor`; None gives no header."""
    if cursor is None:
        return {}
    url = url_for(endpoint, _external=True, **{**arguments, "cursor": cursor})
    return {"Link": f'<{url}>; rel="next"'}


def write_cursor(name: str, place: ListCursor) -> str:
    """The signed cursor of a place in the list `name`: 40 characters that are safe in a URL."""
    raw = place.rank.to_bytes(RANK) + place.id.bytes
    return urlsafe_b64encode(_checksum(name, raw) + raw).decode()


def read_cursor(name: str, cursor: str) -> ListCursor:
    """The place that a signed cursor names; raises InputFault if it is not one of this list."""
    try:
        whole = urlsafe_b64decode(cursor.encode("ascii"))
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        whole = b""
    raw = whole[CHECK:]
    place = _parse_place(raw) if len(raw) == RANK + ID else None
    if place is None or place.rank > NOW.rank or write_cursor(name, place) != cursor:
        detail = "Invalid cursor: send `next` of a page of this list."
        raise InputFault(detail, code="cursor_invalid", errors={"cursor": [detail]})
    return place


def by_id(row: Any) -> ListCursor:
    """The place of a row in a list that is ordered by its ids alone."""
    return ListCursor(0, row.id)


def _parse_place(raw: bytes) -> ListCursor:
    return ListCursor(int.from_bytes(raw[:RANK]), UUID(bytes=raw[RANK:]))


def _checksum(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + raw).digest()[:CHECK]
