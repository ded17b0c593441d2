"""List frequent queries, and click and vote rates by day."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from api.analytics.schemas import cursor_of, days_of, earlier
from api.http.pagination import Page, read_page
from api.state import read
from common.search.analytics import CountedQuery, Days, rates

Select = Callable[..., Sequence[CountedQuery]]


def list_queries(select: Select, query: dict[str, Any]) -> Page[CountedQuery]:
    """Return the page of queries that `select` reads for the days and the cursor of `query`.

    Raises ValidationError for an invalid range of days.
    """
    fetch = partial(select, days=_days(query), after=query.get("cursor"))
    return read_page(query["limit"], fetch, cursor_of)


def list_daily_rates(query: dict[str, Any]) -> Page[dict[str, Any]]:
    """Return the rates of up to `limit` days, newest first.

    Raises ValidationError for an invalid range of days.
    """
    days = _days(query)
    last = min(days.until, query.get("cursor", days.until))
    first = max(days.since, earlier(last, query["limit"] - 1))
    counts = read(partial(rates, days=Days(first, last)))
    following = earlier(first, 1).isoformat() if days.since < first <= last else None
    return Page(counts, following)


def _days(query: dict[str, Any]) -> Days:
    return days_of(query, datetime.now(UTC).date())
