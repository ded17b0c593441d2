"""Feedback as the ML team reads it: pages, lines, CSV."""

import csv
import json
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from api.feedback.schemas import COLUMNS
from common.database.session import Sessions
from tests.support.abuse.bad_requests import UNKNOWN
from tests.support.http.accounts import make_admin, sign_up
from tests.support.rows.databases import sessions as sessions
from tests.support.rows.feedback import give, ml_team, searched, upload
from tests.support.servers.backends import database_url as database_url
from tests.support.services.in_process import app as app

PATHS = ["/v1/feedback", "/v1/analytics/queries", "/v1/analytics/misses", "/v1/analytics/feedback",
         "/api/analytics/", "/api/analytics"]  # fmt: skip


@pytest.fixture
def ml(app: Flask, sessions: Sessions) -> dict[str, str]:
    return ml_team(app, sessions).headers


@pytest.fixture
def votes(app: Flask, sessions: Sessions) -> list[UUID]:
    """Images that were voted on for `a cat`, and one for `=1+1` that is called so too."""
    images = [upload(app, f"{number}.png") for number in range(5)]
    images.append(upload(app, "%3D1%2B1.png"))
    search = searched(sessions, "A  Cat", images)
    for number, image in enumerate(images[:5]):
        give(app, search, f"10.0.0.{number % 2}", positive=[image])
    give(app, searched(sessions, "=1+1", images), negative=images[5:])
    return images


def read(app: Flask, headers: dict[str, str], query: str = "", **accept: str) -> Any:
    answer = app.test_client().get(f"/v1/feedback{query}", headers=headers | accept)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("path", PATHS)
def test_only_the_ml_team_may_read_it(app: Flask, sessions: Sessions, path: str) -> None:
    somebody = sign_up(app)
    client = app.test_client()
    for query in ("", "?limit=x&query="):
        assert client.get(path + query).status_code == 401
        refused = client.get(path + query, headers=somebody.headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "ml_only")
    assert client.get(path, headers=ml_team(app, sessions).headers).status_code == 200
    token = {"Authorization": f"Token {somebody.tokens['access_token']}"}
    make_admin(sessions, somebody)
    assert client.get(path, headers=token).status_code == 200


def test_pages_of_json_lead_to_each_other(
    app: Flask, ml: dict[str, str], votes: list[UUID]
) -> None:
    seen: list[dict[str, Any]] = []
    address = "?limit=4"
    while address:
        page = read(app, ml, address)
        seen += page.get_json()["items"]
        link = page.headers.get("Link", "")
        assert (page.get_json()["next"] is None) == (link == "")
        address = link.partition("/v1/feedback")[2].partition(">")[0]
    assert [UUID(each["image_id"]) for each in seen] == votes
    assert [each["query"] for each in seen] == ["a cat"] * 5 + ["=1+1"]
    assert [each["vote"] for each in seen] == ["positive"] * 5 + ["negative"]
    assert [each["file_name"] for each in seen] == [f"{n}.png" for n in range(5)] + ["=1+1.png"]
    assert len({each["voter"] for each in seen}) == 2
    assert {each["model"] for each in seen} == {"bm25@1"}
    assert all(each["counts"] for each in seen)


def test_a_query_is_found_however_it_is_written(
    app: Flask, ml: dict[str, str], votes: list[UUID]
) -> None:
    assert len(read(app, ml, "?query=a%20CAT%20").get_json()["items"]) == 5
    assert read(app, ml, "?query=cat").json == {"items": [], "next": None}


@pytest.mark.parametrize("asked", ["?format=jsonl", "accept"])
def test_lines_are_all_votes(app: Flask, ml: dict[str, str], votes: list[UUID], asked: str) -> None:
    if asked == "accept":
        answer = read(app, ml, Accept="application/x-ndjson")
    else:
        answer = read(app, ml, asked)
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [UUID(row["image_id"]) for row in rows] == votes
    assert set(rows[0]) == set(COLUMNS)
    pages = read(app, ml).get_json()["items"]
    assert [row["id"] for row in rows] == [each["id"] for each in pages]
    assert rows[0]["created_at"] == pages[0]["created_at"]


def test_csv_holds_no_formula(app: Flask, ml: dict[str, str], votes: list[UUID]) -> None:
    answer = read(app, ml, Accept="text/csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert list(rows[0]) == list(COLUMNS)
    assert [UUID(row["image_id"]) for row in rows] == votes
    assert (rows[5]["query"], rows[5]["file_name"]) == ("'=1+1", "'=1+1.png")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_downloads_read_many_votes_piece_by_piece(
    app: Flask, ml: dict[str, str], votes: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.feedback.vote_lists.DOWNLOAD_CHUNK", 2)
    assert len(read(app, ml, "?format=jsonl").text.splitlines()) == 6
    second = json.loads(read(app, ml, "?format=jsonl&limit=2").text.splitlines()[1])
    rest = read(app, ml, f"?format=csv&cursor={second['id']}").text.splitlines()
    assert len(rest) == 1 + 4


BAD = ["limit=0", "limit=101", "limit=x", "cursor=x", "format=xml", "query=", "query=" + "x" * 301]


@pytest.mark.parametrize("query", BAD)
def test_bad_questions_are_refused_by_name(app: Flask, ml: dict[str, str], query: str) -> None:
    answer = app.test_client().get(f"/v1/feedback?{query}", headers=ml)
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {query.partition("=")[0]}


def test_what_is_behind_the_last_vote_is_nothing(
    app: Flask, ml: dict[str, str], votes: list[UUID]
) -> None:
    end = UNKNOWN.replace("0192", "ffff")
    assert read(app, ml, f"?cursor={end}").json == {"items": [], "next": None}
    assert read(app, ml, f"?cursor={end}&format=jsonl").text == ""
