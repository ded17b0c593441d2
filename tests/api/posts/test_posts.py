"""Posts over HTTP: taken with their image, shown with what was found in it, changed, removed."""

import base64
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update

from common.database.session import Sessions, transact
from common.tables import IdempotencyKey, Image, Like, Post, Prediction, ShareLink
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import call, photo, upload
from tests.support.http.posts import FOUND, NASTY, answer_all, link, post
from tests.support.rows.social import posts_of, rows_in
from tests.support.services.in_process import app as app
from tests.support.services.in_process import statements
from tests.support.services.in_process import twin as twin

UNKNOWN = "01920000-0000-7000-8000-000000000000"


def get(app: Flask, id: str, who: Account | None = None) -> dict[str, Any]:
    found: dict[str, Any] = call(app, "GET", f"/v1/posts/{id}", who).get_json()
    return found


def test_a_post_comes_with_its_image_and_asks_for_labels_and_a_caption(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    made = post(app, anna, NASTY)
    assert (made["text"], made["author"], made["likes"], made["liked"]) == (NASTY, "anna", 0, False)
    assert [row["task"] for row in made["predictions"]] == ["classify", "caption"]
    assert {row["status"] for row in made["predictions"]} == {"queued"}
    answer_all(sessions, made)
    shown = get(app, made["id"])
    assert {row["task"]: row["result"] for row in shown["predictions"]} == FOUND
    for way in ("get", "content"):
        address = shown["image"]["urls"][way].removeprefix("http://localhost")
        assert call(app, "GET", address, None).status_code == 200, "everyone sees a post's image"


def test_an_image_of_ones_own_is_posted_by_its_id_and_private_again_afterwards(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    image = upload(app, anna)["id"]
    assert call(app, "GET", f"/v1/images/{image}", ben).status_code == 404
    wanted = {"text": "Mine", "image_id": image}
    refused = call(app, "POST", "/v1/posts", ben, json=wanted)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "image_not_found")
    made = call(app, "POST", "/v1/posts", anna, json=wanted).get_json()
    assert (made["image"]["id"], posts_of(sessions, UUID(image))) == (image, 1)
    refused = call(app, "POST", "/v1/posts", ben, json=wanted)
    assert (refused.status_code, posts_of(sessions, UUID(image))) == (422, 1), "seen, not owned"
    prediction = f"/v1/predictions/{made['predictions'][0]['id']}"
    for path in (f"/v1/images/{image}", prediction):
        assert call(app, "GET", path, ben).status_code == 200
    link(app, anna, made["id"])
    assert call(app, "PUT", f"/v1/posts/{made['id']}/like", ben).status_code == 204
    assert call(app, "DELETE", f"/v1/posts/{made['id']}", anna).status_code == 204
    for path in (f"/v1/images/{image}", prediction):
        assert call(app, "GET", path, ben).status_code == 404
        assert call(app, "GET", path, anna).status_code == 200
    for table in (Post, Like, ShareLink):
        assert rows_in(sessions, table) == 0


def test_the_same_photograph_may_be_posted_twice_and_what_is_known_is_said_at_once(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    data = photo()
    first, second = (post(app, anna, file=(BytesIO(data), "a.png")) for _ in range(2))
    assert first["image"]["id"] == second["image"]["id"]
    assert posts_of(sessions, UUID(first["image"]["id"])) == 2
    answer_all(sessions, first)
    for made in (first, second):  # what has succeeded is shown, not the later one that has not
        assert [r["status"] for r in get(app, made["id"])["predictions"]] == ["succeeded"] * 2


def test_what_others_ask_of_the_image_is_not_the_authors_word(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    made = post(app, anna)
    asked = {"task": "classify", "image_id": made["image"]["id"], "metadata": {"rude": "words"}}
    assert call(app, "POST", "/v1/predictions", ben, json=asked).status_code == 202
    assert "rude" not in str(get(app, made["id"]))
    assert len(get(app, made["id"])["predictions"]) == 2


@pytest.mark.parametrize("form", ["multipart", "json", "raw"])
def test_a_post_is_sent_in_every_form(app: Flask, anna: Account, form: str) -> None:
    data = photo()
    sent: dict[str, dict[str, Any]] = {
        "multipart": {"data": {"text": "x", "file": (BytesIO(data), "a.png")}},
        "json": {"json": {"text": "x", "data": base64.b64encode(data).decode(), "name": "a.png"}},
        "raw": {"data": data, "content_type": "image/png", "query_string": "text=x&name=a.png"},
    }
    answer = call(app, "POST", "/v1/posts", anna, **sent[form])
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    assert answer.headers["Location"] == f"/v1/posts/{made['id']}"
    assert (made["text"], made["image"]["file_name"]) == ("x", "a.png")


def test_a_post_that_is_sent_again_with_its_key_is_the_same_one(
    app: Flask, twin: Flask, sessions: Sessions, anna: Account
) -> None:
    image = upload(app, anna)["id"]
    wanted = {"text": "Once", "image_id": image}

    def again(where: Flask) -> Any:
        client = where.test_client()
        headers = anna.headers | {"Idempotency-Key": "one"}
        return client.post("/v1/posts", json=wanted, headers=headers)

    first = again(app)
    replayed = again(twin)
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.get_json()["id"] == first.get_json()["id"]
    # As after a crash between COMMIT and answer: the post is found by what was asked with it.
    transact(sessions, lambda s: s.execute(update(IdempotencyKey).values(answer=None)))
    recalled = again(twin)
    assert (recalled.status_code, recalled.get_json()["id"]) == (201, first.get_json()["id"])
    assert (rows_in(sessions, Post), posts_of(sessions, UUID(image))) == (1, 1)


def test_a_post_is_all_or_nothing(app: Flask, sessions: Sessions, anna: Account) -> None:
    for bad in ({"text": ""}, {"text": "x" * 10_001}, {"text": "\0"}, {"text": "x", "odd": 1}):
        form = {**bad, "file": (BytesIO(photo()), "a.png")}
        answer = call(app, "POST", "/v1/posts", anna, data=form)
        assert answer.status_code == 422, bad
        assert set(answer.get_json()["errors"]) <= {"text", "odd"}
    for table in (Post, Image, Prediction):
        assert rows_in(sessions, table) == 0
    assert len(post(app, anna, "é" * 10_000)["text"]) == 10_000


def test_a_post_needs_no_text(app: Flask, anna: Account) -> None:
    form = {"file": (BytesIO(photo()), "a.png")}
    made = call(app, "POST", "/v1/posts", anna, data=form)
    assert (made.status_code, made.get_json()["text"]) == (201, "")
    assert get(app, made.get_json()["id"])["text"] == ""


def test_only_the_text_of_a_post_changes_and_only_by_its_author(
    app: Flask, anna: Account, ben: Account
) -> None:
    made = post(app, anna)
    path = f"/v1/posts/{made['id']}"
    changed = call(app, "PATCH", path, anna, json={"text": NASTY}).get_json()
    assert (changed["text"], changed["id"], changed["likes"]) == (NASTY, made["id"], 0)
    assert changed["updated_at"] > made["updated_at"] == made["created_at"]
    for bad in ({"likes": 5}, {"text": None}, {}, {"text": "x" * 10_001}):
        assert call(app, "PATCH", path, anna, json=bad).status_code == 422
    assert call(app, "PATCH", path, ben, json={"text": "Mine now"}).status_code == 404
    assert get(app, made["id"])["text"] == NASTY


@pytest.mark.parametrize("id", ["x", UNKNOWN, "%00", "{" + UNKNOWN + "}"])
def test_no_such_post_is_a_404(app: Flask, anna: Account, id: str) -> None:
    path = f"/v1/posts/{id}"
    for method, where in (
        ("GET", path), ("PATCH", path), ("DELETE", path), ("PUT", f"{path}/like"),
        ("DELETE", f"{path}/like"), ("POST", f"{path}/share-links"),
        ("GET", f"{path}/share-links"), ("DELETE", f"{path}/share-links/{UNKNOWN}"),
    ):  # fmt: skip
        answer = call(app, method, where, anna, json={"text": "x"} if method == "PATCH" else None)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "post_not_found"), where


def test_a_page_costs_the_same_number_of_queries_however_long_it_is(
    app: Flask, anna: Account
) -> None:
    post(app, anna)
    with statements(app) as few:
        call(app, "GET", "/v1/posts", None)
    for _ in range(4):
        post(app, anna)
    with statements(app) as many:
        assert len(call(app, "GET", "/v1/posts", None).get_json()["items"]) == 5
    assert len([s for s in many if "posts" in s]) == len([s for s in few if "posts" in s]) == 3
