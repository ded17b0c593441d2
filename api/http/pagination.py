"""Lists page by page: cursors that say behind which row a page begins, and the link to the next.

A cursor is a row's place, with a check over it and the list's name: whoever changes one, or brings
one of another list, is told so. It is no secret, and holds nothing that the page does not show.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from flask import request, url_for

from api.state import read
from common.errors import InputFault
from common.social.lists import NOW, TOP, ListCursor

T = TypeVar("T")
CHECK, RANK, ID = 6, 8, 16  # bytes


def page_of(
    query: dict[str, Any],
    name: str,
    fetch: Callable[..., Sequence[T]],
    place_of: Callable[[T], ListCursor],
    top: ListCursor = TOP,
) -> tuple[list[T], str | None]:
    """Up to `limit` rows of the list `name`, and the cursor of the next page; None: the last one.

    `fetch(session, behind=…, most=…)` reads up to that many behind a place. Raises InputFault for a
    cursor that is none.
    """
    most, cursor = query["limit"], query["cursor"]
    behind = top if cursor is None else read_cursor(name, cursor)
    rows = list(read(partial(fetch, behind=behind, most=most + 1)))
    more = len(rows) > most
    return rows[:most], write_cursor(name, place_of(rows[most - 1])) if more else None


def listed(items: list[Any], after: str | None, query: dict[str, Any]) -> Any:
    """The answer of a list, with the next page's address in its Link header (RFC 8288)."""
    body = {"items": items, "next": after}
    if after is None:
        return body, 200, {}
    asked = {name: request.args[name] for name in query if name in request.args}
    about: dict[str, Any] = {**(request.view_args or {}), **asked, "cursor": after}
    link = url_for(str(request.endpoint), _external=True, **about)
    return body, 200, {"Link": f'<{link}>; rel="next"'}


def write_cursor(name: str, place: ListCursor) -> str:
    """40 characters that may stand in a URL as they are."""
    raw = place.rank.to_bytes(RANK) + place.id.bytes
    return urlsafe_b64encode(_check(name, raw) + raw).decode()


def read_cursor(name: str, cursor: str) -> ListCursor:
    """The place that a cursor of the list `name` tells; raises InputFault for what is none."""
    try:
        whole = urlsafe_b64decode(cursor.encode("ascii"))
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        whole = b""
    raw = whole[CHECK:]
    found = _place(raw) if len(raw) == RANK + ID else None
    if found is None or found.rank > NOW.rank or write_cursor(name, found) != cursor:
        detail = "It is not the `next` of a page of this list."
        raise InputFault(detail, code="cursor_invalid", errors={"cursor": [detail]})
    return found


def _place(raw: bytes) -> ListCursor:
    return ListCursor(int.from_bytes(raw[:RANK]), UUID(bytes=raw[RANK:]))


def _check(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + raw).digest()[:CHECK]
