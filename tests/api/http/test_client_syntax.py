"""Requests as clients and people really spell them: ranges, repeated names, spaces, passwords."""

import unicodedata
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from api.search import service as search_service
from tests.support.http.accounts import Account, log_in, sign_up
from tests.support.http.calls_in_process import call, photo, upload
from tests.support.services.in_process import app as app

COMPOSED = "Grüße aus Köln"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=10-19", 10, 20),
        ("bytes=-5", -5, None),
        ("bytes=20-", 20, None),
    ],
)
def test_a_download_can_be_resumed(
    app: Flask, anna: Account, asked: str, first: int, last: int | None
) -> None:
    path = f"/v1/images/{upload(app, anna)['id']}/content"
    whole = app.test_client().get(path, headers=anna.headers)
    assert whole.headers["Accept-Ranges"] == "bytes"
    part = app.test_client().get(path, headers=anna.headers | {"Range": asked})
    assert (part.status_code, part.data) == (206, whole.data[first:last])
    assert part.headers["Content-Range"].endswith(f"/{len(whole.data)}")
    changed = anna.headers | {"Range": asked, "If-Range": '"another"'}
    assert app.test_client().get(path, headers=changed).data == whole.data
    known = anna.headers | {"Range": asked, "If-None-Match": whole.headers["ETag"]}
    assert app.test_client().get(path, headers=known).status_code == 304


def test_a_range_outside_of_the_image_is_told(app: Flask, anna: Account) -> None:
    path = f"/v1/images/{upload(app, anna)['id']}/content"
    answer = app.test_client().get(path, headers=anna.headers | {"Range": "bytes=99999999-"})
    assert answer.status_code == 416
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        '{"task": "classify", "task": "outline", "image_id": "ID"}',
        '{"task": "classify", "image_id": "ID", "params": {"top_k": 1, "top_k": 2}}',
    ],
)
def test_a_name_that_occurs_twice_in_an_object_is_refused(
    app: Flask, anna: Account, body: str
) -> None:
    sent = body.replace("ID", upload(app, anna)["id"])
    headers = anna.headers | {"Content-Type": "application/json"}
    answer = app.test_client().post("/v1/predictions", data=sent, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_json")
    assert "occurs twice" in answer.get_json()["detail"]


def test_spaces_around_the_commas_of_a_list_are_ignored(app: Flask, anna: Account) -> None:
    headers = anna.headers | {"Content-Type": "image/png"}
    path = f"/v1/images?tasks={quote('classify, outline')}"
    answer = app.test_client().post(path, data=photo(), headers=headers)
    assert answer.status_code == 201, answer.text
    tasks = {each["task"] for each in answer.get_json()["predictions"]}
    assert tasks == {"classify", "outline"}


@pytest.mark.parametrize(("chosen", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_password_is_the_same_from_every_keyboard(app: Flask, chosen: str, typed: str) -> None:
    account = sign_up(app, password=chosen)
    assert log_in(app, account.name, typed)["access_token"]
    assert log_in(app, account.name, chosen)["access_token"]


def test_a_white_space_pasted_with_a_search_counts_as_a_space(
    app: Flask, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_service, "PATIENCE", 0.1)  # no engine answers

    def searched(query: str) -> Any:
        return call(app, "GET", f"/v1/search?query={quote(query)}", anna)

    for query in ("cat\n", "\tcat", "black\r\ncat"):
        assert searched(query).status_code != 422, query
    for query in ("\n", "cat\0"):
        assert searched(query).status_code == 422, query
