"""Request and response schemas of analytics."""

import re
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.http.fields import WholeNumber
from common.search.analytics import CountCursor, CountedQuery, Days

DEFAULT_DAYS = 30
MAX_DAYS = 366
CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{64})")


class QueryCursor(fields.String):
    """The cursor of a page of queries: count and query key of the last query before the page."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not (match := CURSOR.fullmatch(str(value))):
            raise ValidationError("Invalid cursor. Send the `next` of a page of this list.")
        return CountCursor(int(match[1]), bytes.fromhex(match[2]))


class Day(fields.Date):
    """A date in the format of RFC 3339 (`2026-01-31`); other ISO 8601 formats are refused."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **options)


class DaysQuery(Schema):
    """The days to count, in UTC."""

    since = Day(
        metadata={
            "description": f"First day. Default: the {DEFAULT_DAYS} days that end with `until`."
        }
    )
    until = Day(metadata={"description": "Last day. Default: today."})


class QueriesQuery(DaysQuery):
    """Which days to count, and which page of their queries to return."""

    limit = WholeNumber(load_default=20, validate=validate.Range(1, 100))
    cursor = QueryCursor(metadata={"description": "`next` of the previous page."})


class RatesQuery(DaysQuery):
    """Which days to count, and which page of them to return."""

    limit = WholeNumber(
        load_default=31, validate=validate.Range(1, 100), metadata={"description": "Days per page."}
    )
    cursor = Day(metadata={"description": "`next` of the previous page."})


class QueryCount(Schema):
    """A query with its number of searches."""

    query = fields.String(
        metadata={"description": "The normalized query; `image:…` for a search by image."}
    )
    searches = fields.Integer()
    misses = fields.Integer(metadata={"description": "Searches that found nothing."})


class QueryCounts(Schema):
    """A page of queries, highest count first."""

    items = fields.List(fields.Nested(QueryCount))
    next = fields.String(allow_none=True)


class DayRates(Schema):
    """The searches, clicks and votes of one day and one model."""

    day = fields.Date()
    model = fields.String(
        allow_none=True, metadata={"description": "Null for votes that name no search."}
    )
    searches = fields.Integer()
    misses = fields.Integer(metadata={"description": "Searches that found nothing."})
    clicked = fields.Integer(
        metadata={"description": "Searches with at least one click on a result."}
    )
    clicks = fields.Integer()
    click_rate = fields.Float(
        allow_none=True, metadata={"description": "`clicked` / `searches`; null without searches."}
    )
    voted = fields.Integer(metadata={"description": "Searches with at least one vote on a result."})
    positive = fields.Integer()
    negative = fields.Integer()
    vote_rate = fields.Float(
        allow_none=True, metadata={"description": "`voted` / `searches`; null without searches."}
    )


class DayRatesList(Schema):
    """A page of days, newest first. Days without searches and votes are left out."""

    items = fields.List(fields.Nested(DayRates))
    next = fields.String(allow_none=True, metadata={"format": "date"})


def days_of(query: dict[str, Any], today: date) -> Days:
    """Return the days of a query; raises ValidationError for an empty or too long range."""
    until = query.get("until", today)
    since = query.get("since") or earlier(until, DEFAULT_DAYS - 1)
    if not timedelta(0) <= until - since < timedelta(MAX_DAYS):
        message = f"`since` to `until` must cover 1 to {MAX_DAYS} days."
        raise ValidationError({"since": [message]})
    return Days(since, until)


def earlier(day: date, days: int) -> date:
    """Return the date `days` days before, not before year 1."""
    return date.fromordinal(max(1, day.toordinal() - days))


def count_view(row: CountedQuery) -> dict[str, Any]:
    """Return the fields of QueryCount from a row."""
    return {"query": row.query, "searches": int(row.searches), "misses": int(row.misses)}


def rates_view(counts: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of DayRates from the counts of a day and a model."""
    searches = counts["searches"]
    rates = {"click_rate": counts["clicked"], "vote_rate": counts["voted"]}
    shares = {name: round(n / searches, 4) if searches else None for name, n in rates.items()}
    return counts | shares


def cursor_of(row: CountedQuery) -> str:
    """Return the cursor of the page that follows this query."""
    return f"{int(row.times)}.{row.query_key.hex()}"
