"""Search analytics: frequent queries, queries without results, and clicks and votes by day.

Searches are counted by day, model and query in the transaction that finishes them. Days are UTC.
Clicks and votes are counted on the day of their search.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, case, distinct, func, or_, select, update
from sqlalchemy.orm import Session

from common.database.rows import rows_as
from common.database.session import execute, insert_missing
from common.database.types import Hash
from common.search.feedback.query_terms import query_key, stored_form
from common.tables import Click, SearchDay, Vote

_s = SearchDay


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A finished search."""

    query: str
    model: str  # name@version
    day: date
    results: int


@dataclass(frozen=True, slots=True)
class Days:
    """The days from `since` to `until`, both included."""

    since: date
    until: date


class CountedQuery(NamedTuple):
    """A query and its counts within some days; `times` is the count that the list is ordered by."""

    query_key: bytes
    query: str
    times: int
    searches: int
    misses: int


@dataclass(frozen=True, slots=True)
class CountCursor:
    """The place after a query with this count and key, in the order of `CountedQuery` lists."""

    count: int
    key: bytes


# Prebuilt: they run for every finished search.
INSERT = insert_missing(_s)
COUNT = (
    update(_s)
    .where(
        _s.day == bindparam("that_day"),
        _s.model == bindparam("that_model"),
        _s.query_key == bindparam("that_key", type_=Hash),
    )
    .values(searches=_s.searches + 1, misses=_s.misses + bindparam("missed"))
)
_SINCE = _s.day.between(bindparam("since"), bindparam("until"))


def count_searches(session: Session, searches: Iterable[Searched]) -> None:
    """Count finished searches, in a fixed order so that concurrent transactions do not deadlock."""
    for each in sorted(searches, key=lambda each: (each.day, each.model, query_key(each.query))):
        place = (each.day, each.model, query_key(each.query))
        there = dict(zip(("that_day", "that_model", "that_key"), place, strict=True))
        counted = there | {"missed": each.results == 0}
        if not execute(session, COUNT, counted).rowcount:
            new = dict(zip(("day", "model", "query_key"), place, strict=True))
            about = {"query": stored_form(each.query), "searches": 0, "misses": 0}
            execute(session, INSERT, new | about)
            execute(session, COUNT, counted)


def _ranked(count: Any) -> Select[Any]:
    """The statement that lists queries by this count, the highest first."""
    total = func.sum(count)
    return (
        select(
            _s.query_key,
            func.min(_s.query).label("query"),
            total.label("times"),
            func.sum(_s.searches).label("searches"),
            func.sum(_s.misses).label("misses"),
        )
        .where(_SINCE)
        .group_by(_s.query_key)
        .having(
            total > 0,
            or_(
                total < bindparam("less_than"),
                (total == bindparam("less_than"))
                & (_s.query_key > bindparam("behind", type_=Hash)),
            ),
        )
        .order_by(total.desc(), _s.query_key)
        .limit(bindparam("limit"))
    )


TOP, MISSES = _ranked(_s.searches), _ranked(_s.misses)
FIRST = CountCursor(2**62, b"")


def top_queries(
    session: Session, days: Days, after: CountCursor | None, limit: int
) -> list[CountedQuery]:
    """The most frequent queries."""
    return _page(session, TOP, days, after or FIRST, limit)


def missed_queries(
    session: Session, days: Days, after: CountCursor | None, limit: int
) -> list[CountedQuery]:
    """The queries that most often found nothing."""
    return _page(session, MISSES, days, after or FIRST, limit)


def _page(
    session: Session, statement: Select[Any], days: Days, after: CountCursor, limit: int
) -> list[CountedQuery]:
    place = {"less_than": after.count, "behind": after.key, "limit": limit}
    return rows_as(CountedQuery, execute(session, statement, place | _between(days)))


def _between(days: Days) -> dict[str, date]:
    return {"since": days.since, "until": days.until}


def _by_day(table: type[Any], *columns: Any) -> Select[Any]:
    return (
        select(table.day, func.coalesce(table.model, "").label("model"), *columns)
        .where(table.day.between(bindparam("since"), bindparam("until")))
        .group_by(table.day, func.coalesce(table.model, ""))
    )


RATES = (
    _by_day(_s, func.sum(_s.searches).label("searches"), func.sum(_s.misses).label("misses")),
    _by_day(
        Click,
        func.count(distinct(Click.search_id)).label("clicked"),
        func.count().label("clicks"),
    ),
    _by_day(
        Vote,
        func.count(distinct(Vote.search_id)).label("voted"),
        func.sum(case((Vote.value > 0, 1), else_=0)).label("positive"),
        func.sum(case((Vote.value < 0, 1), else_=0)).label("negative"),
    ),
)
COUNTS = ("searches", "misses", "clicked", "clicks", "voted", "positive", "negative")


def rates(session: Session, days: Days) -> list[dict[str, Any]]:
    """By day and model, the newest day first: the numbers of searches, of searches without results,
    with a click and with a vote, and of clicks and votes.
    """
    found: dict[tuple[date, str], dict[str, Any]] = {}
    for statement in RATES:
        for row in execute(session, statement, _between(days)).mappings():
            place = (row["day"], row["model"])
            counts = found.setdefault(place, dict.fromkeys(COUNTS, 0))
            counts |= {name: int(row[name]) for name in COUNTS if name in row}
    ordered = sorted(found.items(), key=lambda item: (-item[0][0].toordinal(), item[0][1]))
    return [{"day": day, "model": model or None, **counts} for (day, model), counts in ordered]
