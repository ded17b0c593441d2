"""Analytics at the edge: pages of queries and of days."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Row

from api.analytics.schemas import count_view, cursor_of, days_of, earlier, rates_view
from api.state import read
from common.search.analytics import Days, rates

Counted = Callable[..., Sequence[Row[Any]]]


def queries(counted: Counted, query: dict[str, Any]) -> dict[str, Any]:
    """A page of the queries that `counted` gives; raises ValidationError for impossible days."""
    days, most = _days(query), query["limit"]
    look = partial(counted, days=days, after=query.get("cursor"), most=most + 1)
    rows = read(look)
    after = cursor_of(rows[most - 1]) if len(rows) > most else None
    return {"items": [count_view(row) for row in rows[:most]], "next": after}


def by_day(query: dict[str, Any]) -> dict[str, Any]:
    """Up to `limit` days' rates, the newest first."""
    days = _days(query)
    last = min(days.until, query.get("cursor", days.until))
    first = max(days.since, earlier(last, query["limit"] - 1))
    found = read(partial(rates, days=Days(first, last)))
    after = earlier(first, 1) if days.since < first <= last else None
    return {"items": [rates_view(counts) for counts in found], "next": after}


def _days(query: dict[str, Any]) -> Days:
    return days_of(query, datetime.now(UTC).date())
