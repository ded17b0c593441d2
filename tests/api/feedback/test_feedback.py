"""/v1/feedback: votes and clicks on a search's results."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from common.database.ids import new_id
from common.database.session import Sessions, read
from common.search.feedback import Adjustments, read_adjustments
from common.tables import Click, Vote
from tests.support.abuse.bad_requests import UNKNOWN
from tests.support.http.accounts import sign_up
from tests.support.rows.databases import sessions as sessions
from tests.support.rows.feedback import give, searched, upload
from tests.support.servers.backends import database_url as database_url
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count

QUERY = "Two Cats in a park"


@pytest.fixture
def images(app: Flask) -> list[UUID]:
    return [upload(app) for _ in range(3)]


@pytest.fixture
def search(sessions: Sessions, images: list[UUID]) -> UUID:
    return searched(sessions, QUERY, images)


def look(sessions: Sessions, query: str = QUERY) -> Adjustments:
    return read(sessions, lambda session: read_adjustments(session, query))


def votes(sessions: Sessions) -> list[Vote]:
    with sessions.read() as session:
        return list(session.scalars(select(Vote).order_by(Vote.id)))


def test_what_is_said_of_results_is_learnt(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    answer = give(app, search, positive=images[:1], negative=images[1:2])
    assert answer.status_code == 200
    assert answer.get_json() == {"search_id": str(search), "recorded": 2, "rejected": []}
    found = look(sessions)
    assert (found.liked, found.disliked) == (images[:1], images[1:2])
    for vote in votes(sessions):
        assert (vote.query, vote.model) == ("two cats in a park", "bm25@1")
        assert vote.search_id == search


def test_twice_replaces_and_neutral_takes_back(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    again = searched(sessions, "two cats IN a  park", images)
    give(app, search, positive=images[:2])
    give(app, search, positive=images[:2])
    assert len(votes(sessions)) == 2
    assert give(app, again, negative=images[:1], neutral=images[1:2]).status_code == 200
    [left] = votes(sessions)
    assert (left.image_id, left.value, left.search_id) == (images[0], -1, again)
    assert look(sessions).disliked == images[:1]


@pytest.mark.parametrize("kind", ["unknown", "another task", "somebody else's"])
def test_an_unknown_search_is_404(app: Flask, sessions: Sessions, kind: str) -> None:
    image = upload(app)
    others: dict[str, Callable[[], Any]] = {
        "unknown": lambda: UNKNOWN,
        "another task": lambda: searched(sessions, QUERY, [image], task="classify"),
        "somebody else's": lambda: searched(sessions, QUERY, [image], owner_id=sign_up(app).id),
    }
    answer = give(app, others[kind](), positive=[image])
    assert (answer.status_code, answer.get_json()["code"]) == (404, "search_not_found")
    assert votes(sessions) == []


def test_unknown_images_are_reported_and_the_rest_is_recorded(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    given: list[Any] = [images[0], UNKNOWN, "cat.jpg", "x" * 255]
    answer = give(app, search, positive=given, clicks=[UNKNOWN, images[1]])
    assert (answer.status_code, answer.get_json()["recorded"]) == (200, 2)
    said = [
        (each["image"], each["given_as"], each["code"]) for each in answer.get_json()["rejected"]
    ]
    missing = "image_not_found"
    assert said == [
        *((each, "positive", missing) for each in given[1:]), (UNKNOWN, "clicks", missing),
    ]  # fmt: skip
    assert [vote.image_id for vote in votes(sessions)] == images[:1]


def test_an_image_cannot_be_right_and_wrong(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    answer = give(app, search, positive=images[:2], negative=images[1:2])
    rejected = [(each["image"], each["code"]) for each in answer.get_json()["rejected"]]
    assert rejected == [(str(images[1]), "image_contradictory")] * 2
    assert answer.get_json()["recorded"] == 1
    assert look(sessions).liked == images[:1]


def test_clicks_are_noted_once_with_their_place(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    other = upload(app)
    for _ in range(2):
        assert give(app, search, clicks=[images[2], other]).get_json()["recorded"] == 2
    with sessions.read() as session:
        found = {row.image_id: row.position for row in session.scalars(select(Click))}
    assert found == {images[2]: 3, other: None}
    assert look(sessions) == Adjustments(), "what stands on top is clicked most"


@pytest.mark.parametrize(
    ("first", "second", "voters"),
    [
        ("10.0.0.1", "10.0.0.1", 1), ("10.0.0.1", "10.0.0.2", 2),
        ("2001:db8::1", "2001:db8::ffff:1", 1), ("2001:db8::1", "2001:db8:0:1::1", 2),
        ("::ffff:10.0.0.1", "10.0.0.1", 1),
    ],
)  # fmt: skip
def test_who_is_not_signed_in_is_told_apart_by_network(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID],
    first: str, second: str, voters: int,
) -> None:  # fmt: skip
    for who in (first, second):
        give(app, search, who, positive=images[:1])
    assert len({vote.voter for vote in votes(sessions)}) == voters
    assert not any(first.encode() in vote.voter for vote in votes(sessions))


def test_an_account_has_its_own_vote_wherever_it_is(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    headers = sign_up(app).headers
    give(app, search, "10.0.0.1", positive=images[:1], headers=headers)
    give(app, search, "10.0.0.2", positive=images[:1], headers=headers)
    give(app, search, "10.0.0.1", positive=images[:1])
    assert count(sessions, Vote) == 2


BAD: list[tuple[dict[str, Any], str]] = [
    ({"positive": 0}, "positive"), ({"neutral": 1}, "neutral"),
    ({"positive": "x"}, "positive"), ({"positive": [1]}, "positive"),
    ({"positive": [""]}, "positive"), ({"positive": ["a\0"]}, "positive"),
    ({"positive": ["\ud800"]}, "positive"), ({"positive": ["x" * 256]}, "positive"),
    ({"negative": [UNKNOWN] * 101}, "negative"), ({"clicks": {}}, "clicks"),
    ({"positive": [UNKNOWN], "colour": 1}, "colour"),
    ({"positive": [UNKNOWN], "search_id": "x"}, "search_id"),
    ({"positive": [UNKNOWN], "search_id": None}, "search_id"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_feedback_is_refused_by_name(app: Flask, number: int) -> None:
    fields, blamed = BAD[number]
    answer = app.test_client().post("/v1/feedback", json={"search_id": str(new_id()), **fields})
    assert answer.status_code == 422, answer.text
    assert set(answer.get_json()["errors"]) == {blamed}
    assert answer.content_type == "application/problem+json"
    plain = app.test_client().post("/v1/feedback", data="{}", content_type="text/plain")
    assert plain.status_code == 415


def test_what_was_learnt_of_an_image_goes_with_it(
    app: Flask, sessions: Sessions, search: UUID, images: list[UUID]
) -> None:
    headers = sign_up(app).headers
    mine = upload(app, headers=headers)
    give(app, search, positive=[mine, images[0]])
    assert set(look(sessions).liked) == {mine, images[0]}
    gone = app.test_client().delete(f"/v1/images/{mine}", headers=headers)
    assert gone.status_code == 204
    assert look(sessions).liked == images[:1]
    assert len(votes(sessions)) == 2
