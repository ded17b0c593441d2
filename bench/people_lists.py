"""The lists of posts and people, each with its plan and the time that a page takes."""

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from api.posts.queries import find_results
from bench.people_filling import Filled
from common.database.ids import smallest_id
from common.database.session import Sessions, read
from common.social import lists, projections, share_links
from common.social.lists import NOW, TOP, ListCursor

PAGE = 21  # rows: the usual 20, and one to see that there are more
MOST_READ = 0.2  # of all posts, by one page: more would be as good as everything
Call = Callable[[Session], Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """A list, the plan of each statement of a page, the seconds of each page."""

    name: str
    plans: Sequence[Sequence[dict[str, Any]]]
    seconds: Sequence[float]

    @property
    def p99(self) -> float:
        """Seconds; of few pages, the longest."""
        return sorted(self.seconds)[math.ceil(0.99 * len(self.seconds)) - 1]

    def faults(self, limit: float, posts: int) -> list[str]:
        """What is wrong: a plan without an index, too much read or sorted, a page too slow."""
        steps = [(step, rows) for plan in self.plans for step, rows in _read_by(plan)]
        found = [
            f"{self.name}: reads all of {step['table']}" for step, _ in steps if _is_full(step)
        ]
        found += [
            f"{self.name}: reads {rows:,.0f} rows of {step['table']}"
            for step, rows in steps
            if rows > MOST_READ * posts
        ]
        if self.p99 > limit:
            found.append(f"{self.name}: p99 {self.p99 * 1e3:.1f} ms, over {limit * 1e3:.0f} ms")
        return found

    def report(self) -> str:
        """Return the figures, and one line per step of each plan."""
        p50 = statistics.median(self.seconds)
        lines = [f"{self.name}: p50 {p50 * 1e3:.1f} ms, p99 {self.p99 * 1e3:.1f} ms"]
        for plan in self.plans:
            for number, (step, rows) in enumerate(_read_by(plan)):
                lines.append(f"  {' -'[number > 0]} {_line(step, rows)}")
        return "\n".join(lines)


def measure(sessions: Sessions, filled: Filled, calls: int) -> Iterator[Measured]:
    """Each list in turn: a few pages to warm up, the plan of the next, then `calls` pages."""
    for name, make in _lists(filled, random.Random(2)).items():
        for _ in range(calls // 10):
            read(sessions, make())
        plans = _plans(sessions, make())
        seconds = []
        for _ in range(calls):
            call = make()
            started = time.perf_counter()
            read(sessions, call)
            seconds.append(time.perf_counter() - started)
        yield Measured(name, plans, seconds)


def _lists(filled: Filled, chance: random.Random) -> dict[str, Callable[[], Call]]:
    """Return, by list name, a function that calls a page of a random or of the hardest account."""

    def anybody() -> UUID:
        return chance.choice(filled.users)

    def posts(fetch: Any, **about: Any) -> Call:
        return _page(anybody(), fetch, **about)

    def liked(**window: float) -> Call:
        return posts(lists.most_liked, window=timedelta(**window))

    return {
        "newest": lambda: posts(lists.newest),
        "newest, any page": lambda: posts(lists.newest, at=_somewhere(chance)),
        "a user's": lambda: posts(lists.of_user, user_id=anybody()),
        "the busiest user's": lambda: posts(lists.of_user, user_id=filled.busiest),
        "feed": lambda: posts(lists.feed, user_id=anybody()),
        "feed, any page": lambda: posts(lists.feed, user_id=anybody(), at=_somewhere(chance)),
        "feed of who follows most": lambda: posts(lists.feed, user_id=filled.curious),
        "most liked": lambda: posts(lists.most_liked),
        "most liked, any page": lambda: posts(
            lists.most_liked, at=ListCursor(chance.randint(0, 100), chance.choice(filled.posts))
        ),
        "most liked of 24 hours": lambda: liked(hours=24),
        "most liked of 7 days": lambda: liked(days=7),
        "most liked of 30 days": lambda: liked(days=30),
        "one post": lambda: partial(_show, anybody(), [chance.choice(filled.posts)]),
        "followers": lambda: partial(lists.followers, user_id=anybody(), after=NOW, limit=PAGE),
        "followers of the most popular": lambda: partial(
            lists.followers, user_id=filled.popular, after=NOW, limit=PAGE
        ),
        "following": lambda: partial(lists.following, user_id=anybody(), after=NOW, limit=PAGE),
        "share links": lambda: partial(
            share_links.list_links, post_id=chance.choice(filled.posts), after=TOP, limit=PAGE
        ),
    }


def _page(reader: UUID, fetch: Any, at: ListCursor = TOP, **about: Any) -> Call:
    """Return a call of a whole page as the API builds it: the positions, then each item."""

    def call(session: Session) -> None:
        places = fetch(session, after=at, limit=PAGE, **about)
        _show(reader, [place.id for place in places], session)

    return call


def _show(reader: UUID, ids: Sequence[UUID], session: Session) -> None:
    projections.read_posts(session, ids)
    projections.liked_by(session, reader, ids)
    find_results(session, ids)


def _somewhere(chance: random.Random) -> ListCursor:
    ago = timedelta(days=365 * chance.random())
    return ListCursor(0, smallest_id(datetime.now(UTC) - ago))


# ---- plans


def _plans(sessions: Sessions, call: Call) -> list[list[dict[str, Any]]]:
    """MariaDB's ANALYZE of each statement that the call sends: it runs them, and counts rows."""
    with _noted(sessions) as statements:
        read(sessions, call)

    def explain(session: Session) -> list[list[dict[str, Any]]]:
        connection = session.connection()
        return [
            [dict(step) for step in connection.exec_driver_sql(f"ANALYZE {sql}", given).mappings()]
            for sql, given in statements
        ]

    return read(sessions, explain)


@contextmanager
def _noted(sessions: Sessions) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile, with their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, sql: str, given: Any, *_rest: Any) -> None:
        sent.append((sql, given))

    engine = sessions.read.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _read_by(plan: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], float]]:
    """Each step with the rows that it read in all: of a join, rows a turn times the turns."""
    turns, select = 1.0, None
    for step in plan:
        if step["id"] != select:
            turns, select = 1.0, step["id"]
        rows = turns * float(step["r_rows"] or 0)
        yield step, rows
        turns = rows * float(step["r_filtered"] or 100) / 100


def _is_full(step: dict[str, Any]) -> bool:
    """Return whether a table is read without an index; derived tables need none."""
    return step["type"] == "ALL" and not str(step["table"]).startswith("<")


def _line(step: dict[str, Any], rows: float) -> str:
    return (
        f"{step['table']} {step['type']} by {step['key']}, {rows:,.0f} rows read"
        f"{'; ' if step['Extra'] else ''}{step['Extra'] or ''}"
    )
