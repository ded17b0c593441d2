"""/v1/analytics: what is searched for, what is not found, what people make of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from common.database.session import Sessions, transact
from common.search.analytics import Searched, count_searches
from tests.support.rows.databases import sessions as sessions
from tests.support.rows.feedback import give, ml_team, searched, upload
from tests.support.servers.backends import database_url as database_url
from tests.support.services.in_process import app as app

TODAY = datetime.now(UTC).date()
OLD, NEW = "bm25@1", "bm25@2"


@pytest.fixture
def ml(app: Flask, sessions: Sessions) -> dict[str, str]:
    return ml_team(app, sessions).headers


def note(
    sessions: Sessions, query: str, times: int = 1, ago: int = 0, model: str = OLD, found: int = 3
) -> None:
    each = Searched(query=query, model=model, day=TODAY - timedelta(ago), results=found)
    transact(sessions, lambda session: count_searches(session, [each] * times))


def get(app: Flask, ml: dict[str, str], path: str) -> Any:
    answer = app.test_client().get(f"/v1/analytics/{path}", headers=ml)
    assert answer.status_code == 200, answer.text
    return answer


def listed(app: Flask, ml: dict[str, str], path: str) -> list[Any]:
    """All pages' items, by their links."""
    items: list[Any] = []
    while path:
        page = get(app, ml, path)
        items += page.get_json()["items"]
        path = page.headers.get("Link", "").partition("/v1/analytics/")[2].partition(">")[0]
        assert bool(path) == (page.get_json()["next"] is not None)
    return items


def test_queries_are_counted_over_days_and_models(
    app: Flask, sessions: Sessions, ml: dict[str, str]
) -> None:
    note(sessions, "Cat ", 2)
    note(sessions, "cat", 1, ago=3, model=NEW)
    note(sessions, "dog", 2, found=0)
    note(sessions, "bird", 9, ago=40)
    cat = {"query": "cat", "searches": 3, "misses": 0}
    dog = {"query": "dog", "searches": 2, "misses": 2}
    assert get(app, ml, "queries").get_json()["items"] == [cat, dog]
    assert get(app, ml, "misses").get_json()["items"] == [dog]
    since = TODAY - timedelta(60)
    bird = {"query": "bird", "searches": 9, "misses": 0}
    assert get(app, ml, f"queries?since={since}").get_json()["items"] == [bird, cat, dog]
    until = TODAY - timedelta(1)
    assert get(app, ml, f"queries?until={until}").get_json()["items"] == [cat | {"searches": 1}]


def test_pages_of_queries_miss_none_and_repeat_none(
    app: Flask, sessions: Sessions, ml: dict[str, str]
) -> None:
    for number in range(11):
        note(sessions, f"query {number}", times=1 + number % 3)
    seen = listed(app, ml, "queries?limit=3")
    assert [each["searches"] for each in seen] == [3] * 3 + [2] * 4 + [1] * 4
    assert {each["query"] for each in seen} == {f"query {n}" for n in range(11)}
    assert len(seen) == 11


def test_rates_are_told_by_day_and_model(
    app: Flask, sessions: Sessions, ml: dict[str, str]
) -> None:
    images = [upload(app) for _ in range(2)]
    yesterday = datetime.now(UTC) - timedelta(1)
    note(sessions, "cat", 4)
    note(sessions, "cat", 2, model=NEW, found=0)
    note(sessions, "cat", 5, ago=1)
    first, second = (searched(sessions, "cat", images) for _ in range(2))
    past = searched(sessions, "cat", images, at=yesterday)
    give(app, first, positive=images[:1], negative=images[1:], clicks=images)
    give(app, second, clicks=images[:1])
    give(app, past, who="10.0.0.2", positive=images)
    feedback = {"feedback": [{"query": "cat", "positive": [str(images[0])]}]}
    app.test_client().post("/api/feedback", json=feedback)
    common = {"misses": 0, "clicked": 0, "clicks": 0, "click_rate": 0.0, "voted": 0}
    votes = {"positive": 0, "negative": 0, "vote_rate": 0.0}
    day = str(TODAY)
    none = {"searches": 0, "click_rate": None, "vote_rate": None}
    assert get(app, ml, "feedback").get_json()["items"] == [
        {"day": day, "model": None, **common, **votes, **none, "positive": 1},
        {
            "day": day, "model": OLD, "searches": 4, **common, **votes, "clicked": 2, "clicks": 3,
            "click_rate": 0.5, "voted": 1, "positive": 1, "negative": 1, "vote_rate": 0.25,
        },
        {"day": day, "model": NEW, "searches": 2, **common, **votes, "misses": 2},
        {
            "day": str(yesterday.date()), "model": OLD, "searches": 5, **common, **votes,
            "voted": 1, "positive": 2, "vote_rate": 0.2,
        },
    ]  # fmt: skip


def test_pages_of_days_lead_back_to_the_first(
    app: Flask, sessions: Sessions, ml: dict[str, str]
) -> None:
    for ago in (0, 1, 5, 29, 30):
        note(sessions, "cat", ago=ago)
    days = [each["day"] for each in listed(app, ml, "feedback?limit=4")]
    assert days == [str(TODAY - timedelta(ago)) for ago in (0, 1, 5, 29)]
    assert days == [each["day"] for each in get(app, ml, "feedback").get_json()["items"]]


BAD = {
    "since": ["queries?since=x", "misses?since=2026-13-01", "feedback?since=20260101",
              "feedback?since=0001-01-01", "queries?since=2020-02-02&until=2020-02-01"],
    "until": ["queries?until=", "feedback?until=2026-W01-1"],
    "limit": ["queries?limit=0", "feedback?limit=101", "misses?limit=x"],
    "cursor": ["queries?cursor=1", f"misses?cursor=-1.{'0' * 64}", "feedback?cursor=x",
               f"queries?cursor={10**30}.{'0' * 64}", f"queries?cursor=1.{'g' * 64}"],
}  # fmt: skip
ODD = [
    "feedback?until=0001-01-01", "feedback?until=0001-01-01&cursor=0001-01-01&limit=100",
    "feedback?cursor=0001-01-01", "feedback?cursor=9999-12-31", "queries?until=9999-12-31",
    f"queries?cursor={10**17}.{'f' * 64}", f"misses?cursor=0.{'0' * 64}",
]  # fmt: skip


def test_bad_questions_are_refused_by_name(app: Flask, ml: dict[str, str]) -> None:
    for blamed, paths in BAD.items():
        for path in paths:
            answer = app.test_client().get(f"/v1/analytics/{path}", headers=ml)
            assert answer.status_code == 422, path
            assert set(answer.get_json()["errors"]) == {blamed}, path


@pytest.mark.parametrize("path", ODD)
def test_odd_questions_have_an_answer(app: Flask, ml: dict[str, str], path: str) -> None:
    assert get(app, ml, path).get_json()["items"] == []
