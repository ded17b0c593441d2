"""Analytics: which days, and what was counted on them."""

import re
from datetime import date, timedelta
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import Row

from api.http.fields import Whole
from common.search.analytics import CountCursor, Days

LAST = 30  # days that are told of when none are named
MOST_DAYS = 366
CURSOR = re.compile(r"([0-9]{1,18})\.([0-9a-f]{64})")


class QueryCursor(fields.String):
    """Where a page of counted queries begins."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not (found := CURSOR.fullmatch(str(value))):
            raise ValidationError("Not the `next` of a page of this list.")
        return CountCursor(int(found[1]), bytes.fromhex(found[2]))


class Day(fields.Date):
    """A date as RFC 3339 writes it, and no other form of ISO 8601's."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **options: Any) -> Any:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", str(value)):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **options)


class DaysQuery(Schema):
    """From which day to which, UTC."""

    since = Day(metadata={"description": f"First day; {LAST} days up to `until`."})
    until = Day(metadata={"description": "Last day; today."})


class QueriesQuery(DaysQuery):
    """Which page of the queries of some days."""

    limit = Whole(load_default=20, validate=validate.Range(1, 100))
    cursor = QueryCursor(metadata={"description": "`next` of the page before."})


class RatesQuery(DaysQuery):
    """Which page of days."""

    limit = Whole(
        load_default=31, validate=validate.Range(1, 100), metadata={"description": "Days."}
    )
    cursor = Day(metadata={"description": "`next` of the page before."})


class QueryCount(Schema):
    """A query, and how often it was searched for."""

    query = fields.String(metadata={"description": "Normalised; `image:…` for look-alikes."})
    searches = fields.Integer()
    misses = fields.Integer(metadata={"description": "Searches that found nothing."})


class QueryCounts(Schema):
    """A page of queries, those counted most often first."""

    items = fields.List(fields.Nested(QueryCount))
    next = fields.String(allow_none=True)


class DayRates(Schema):
    """What became of the searches of a day that one model answered."""

    day = fields.Date()
    model = fields.String(
        allow_none=True, metadata={"description": "Null: votes that name no search."}
    )
    searches = fields.Integer()
    misses = fields.Integer(metadata={"description": "Searches that found nothing."})
    clicked = fields.Integer(metadata={"description": "Searches of which a result was looked at."})
    clicks = fields.Integer()
    click_rate = fields.Float(
        allow_none=True, metadata={"description": "Clicked searches of all; null: there are none."}
    )
    voted = fields.Integer(metadata={"description": "Searches of which a result was voted on."})
    positive = fields.Integer()
    negative = fields.Integer()
    vote_rate = fields.Float(
        allow_none=True, metadata={"description": "Voted searches of all; null: there are none."}
    )


class DayRatesList(Schema):
    """A page of days, the newest first; those without searches and votes are left out."""

    items = fields.List(fields.Nested(DayRates))
    next = fields.Date(allow_none=True)


def days_of(query: dict[str, Any], today: date) -> Days:
    """The days that are asked for; raises ValidationError for none or too many."""
    until = query.get("until", today)
    since = query.get("since") or earlier(until, LAST - 1)
    if not timedelta(0) <= until - since < timedelta(MOST_DAYS):
        message = f"`since` to `until` must be 1 to {MOST_DAYS} days."
        raise ValidationError({"since": [message]})
    return Days(since, until)


def earlier(day: date, days: int) -> date:
    """The day so many days before, or the first there is."""
    return date.fromordinal(max(1, day.toordinal() - days))


def count_view(row: Row[Any]) -> dict[str, Any]:
    """What QueryCount shows."""
    return {"query": row.query, "searches": int(row.searches), "misses": int(row.misses)}


def rates_view(counts: dict[str, Any]) -> dict[str, Any]:
    """What DayRates shows."""
    searches = counts["searches"]
    rates = {"click_rate": counts["clicked"], "vote_rate": counts["voted"]}
    shares = {name: round(n / searches, 4) if searches else None for name, n in rates.items()}
    return counts | shares


def cursor_of(row: Row[Any]) -> str:
    """The cursor of the page that begins behind a query."""
    return f"{int(row.times)}.{row.query_key.hex()}"
