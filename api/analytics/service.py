"""List frequent queries, and click and vote rates by day."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Row

from api.analytics.schemas import count_view, cursor_of, days_of, earlier, rates_view
from api.state import read
from common.search.analytics import Days, rates

Select = Callable[..., Sequence[Row[Any]]]


def list_queries(select: Select, query: dict[str, Any]) -> dict[str, Any]:
    """Return the page of queries that `select` reads for the days and the cursor of `query`.

    Raises ValidationError for an invalid range of days.
    """
    days, limit = _days(query), query["limit"]
    fetch = partial(select, days=days, after=query.get("cursor"), most=limit + 1)
    rows = read(fetch)
    after = cursor_of(rows[limit - 1]) if len(rows) > limit else None
    return {"items": [count_view(row) for row in rows[:limit]], "next": after}


def list_daily_rates(query: dict[str, Any]) -> dict[str, Any]:
    """Return the rates of up to `limit` days, newest first.

    Raises ValidationError for an invalid range of days.
    """
    days = _days(query)
    last = min(days.until, query.get("cursor", days.until))
    first = max(days.since, earlier(last, query["limit"] - 1))
    counts = read(partial(rates, days=Days(first, last)))
    after = earlier(first, 1) if days.since < first <= last else None
    return {"items": [rates_view(each) for each in counts], "next": after}


def _days(query: dict[str, Any]) -> Days:
    return days_of(query, datetime.now(UTC).date())
