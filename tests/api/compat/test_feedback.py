"""The sticker search's feedback and its download, as its users call them."""

import csv
import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from common.database.session import Sessions, read
from common.search.feedback import read_adjustments
from common.tables import Vote
from tests.support.abuse.bad_requests import UNKNOWN
from tests.support.http.accounts import sign_up
from tests.support.rows.databases import sessions as sessions
from tests.support.rows.feedback import ml_team, upload
from tests.support.servers.backends import database_url as database_url
from tests.support.services.in_process import app as app

CAT, DOG = "COCO_val2014_000000004212.jpg", "COCO_val2014_000000000042.jpg"
QUERY = "cat in a park"


def vote(app: Flask, body: Any, path: str = "/api/feedback/", **options: Any) -> Any:
    given = {"json": body} | options
    answer = app.test_client().post(path, **given)
    check_headers(answer)
    return answer


def check_headers(answer: Any) -> None:
    assert answer.headers["Deprecation"] == "true"
    assert answer.headers["Link"] == '</v1/feedback>; rel="successor-version"'


def entry(positive: list[str], negative: list[str] | None = None, query: str = QUERY) -> Any:
    return {"query": query, "positive": positive, "negative": negative or []}


@pytest.mark.parametrize("path", ["/api/feedback/", "/api/feedback"])
def test_the_documented_call(app: Flask, sessions: Sessions, path: str) -> None:
    cat, dog = upload(app, CAT), upload(app, DOG)
    answer = vote(app, {"feedback": [entry([CAT], [DOG])]}, path)
    assert (answer.status_code, answer.get_json()) == (200, {"recorded": 2, "rejected": []})
    found = read(sessions, lambda session: read_adjustments(session, "a cat in the PARK"))
    assert (found.liked, found.disliked) == ([cat], [dog])
    with sessions.read() as session:
        [first, _] = session.scalars(select(Vote))
    assert (first.query, first.search_id) == (QUERY, None)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_its_body_is_json_under_any_type(app: Flask, kind: str | None) -> None:
    upload(app, CAT)
    body = json.dumps({"feedback": [entry([CAT])]}).encode()
    answer = vote(app, None, json=None, data=body, content_type=kind)
    assert answer.get_json() == {"recorded": 1, "rejected": []}


def test_a_name_means_the_newest_public_image(app: Flask, sessions: Sessions) -> None:
    upload(app, "é.png")
    newest = upload(app, "é.png")
    upload(app, "é.png", visibility="unlisted")
    headers = sign_up(app).headers
    upload(app, "é.png", visibility="private", headers=headers)
    assert vote(app, {"feedback": [entry(["e\u0301.png"])]}).get_json()["recorded"] == 1
    assert read(sessions, lambda session: read_adjustments(session, QUERY)).liked == [newest]


def test_ids_do_as_well_and_unknown_names_do_not_sink_the_rest(
    app: Flask, sessions: Sessions
) -> None:
    unlisted = upload(app, CAT, visibility="unlisted")
    private = upload(app, DOG, visibility="private", headers=sign_up(app).headers)
    names = [str(unlisted), str(private), CAT, DOG, UNKNOWN, "", "no such.png"]
    answer = vote(app, {"feedback": [entry(names), entry([], ["x"], query="Other")]})
    assert (answer.status_code, answer.get_json()["recorded"]) == (200, 1)
    said = [
        (each["query"], each["image"], each["given_as"]) for each in answer.get_json()["rejected"]
    ]
    assert said == [*((QUERY, name, "positive") for name in names[1:]), ("Other", "x", "negative")]
    assert {each["code"] for each in answer.get_json()["rejected"]} == {"image_not_found"}
    assert read(sessions, lambda session: read_adjustments(session, QUERY)).liked == [unlisted]


BAD: list[Any] = [
    [], {}, {"feedback": None}, {"feedback": {}}, {"feedback": [1]}, {"feedback": [{}]},
    {"feedback": [entry([CAT], query="")]}, {"feedback": [entry([CAT], query="x" * 301)]},
    {"feedback": [entry([CAT], query="a\0")]}, {"feedback": [entry(["a\0"])]},
    {"feedback": [entry([3])]}, {"feedback": [{"query": "x", "positive": CAT}]},  # type: ignore[list-item]
    {"feedback": [entry(["x"] * 501), entry(["x"] * 500)]}, {"feedback": [entry([])] * 1001},
    {"feedback": [], "colour": 1}, {"feedback": [entry(["\ud800"])]},
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_feedback_is_refused(app: Flask, sessions: Sessions, number: int) -> None:
    answer = vote(app, BAD[number])
    assert answer.status_code == 422, answer.text
    assert answer.content_type == "application/problem+json"
    for broken, code in ((b"", "body_missing"), (b"{", "invalid_json")):
        refused = vote(app, None, json=None, data=broken)
        assert (refused.status_code, refused.get_json()["code"]) == (400, code)


@pytest.mark.parametrize("path", ["/api/analytics/", "/api/analytics"])
def test_the_ml_team_downloads_it(app: Flask, sessions: Sessions, path: str) -> None:
    cat = upload(app, CAT)
    vote(app, {"feedback": [entry([CAT])]})
    vote(app, {"feedback": [entry([CAT], query="other")]})
    token = {"Authorization": f"Token {ml_team(app, sessions).tokens['access_token']}"}

    def get(query: str, **headers: str) -> Any:
        answer = app.test_client().get(path + query, headers=token | headers)
        assert answer.status_code == 200, answer.text
        check_headers(answer)
        return answer

    whole = get("?query=cat+in+a+park")
    assert whole.headers["Content-Disposition"] == 'attachment; filename="feedback.json"'
    [row] = whole.get_json()["feedback"]
    assert (row["query"], row["file_name"], row["vote"]) == (QUERY, CAT, "positive")
    assert UUID(row["image_id"]) == cat
    assert [row["query"] for row in get("").get_json()["feedback"]] == [QUERY, "other"]
    for answer in (
        get("?query=cat+in+a+park&format=csv"),
        get("?query=Cat+in+a+park", Accept="text/csv"),
    ):
        [line] = csv.DictReader(StringIO(answer.text))
        assert (line["query"], line["file_name"]) == (QUERY, CAT)
    refused = app.test_client().get(path + "?query=", headers=token)
    assert (refused.status_code, set(refused.get_json()["errors"])) == (422, {"query"})
