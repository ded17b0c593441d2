"""If-Match and If-None-Match: a change that would overwrite somebody else's is refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls_in_process import upload
from tests.support.services.in_process import app as app


def send(app: Flask, method: str, path: str, who: Account | None, **options: Any) -> Any:
    headers = (who.headers if who else {}) | options.pop("headers", {})
    return app.test_client().open(path, method=method, headers=headers, **options)


@pytest.fixture
def image(app: Flask, anna: Account) -> str:
    return f"/v1/images/{upload(app, anna)['id']}"


def tag_of(app: Flask, path: str, who: Account | None) -> str:
    tag: str = send(app, "GET", path, who).headers["ETag"]
    return tag


def rename(app: Flask, image: str, who: Account | None, **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = send(app, "PATCH", image, who, json={"file_name": "new.png"}, headers=given)
    if answer.status_code == 412:
        assert answer.get_json()["code"] == "precondition_failed"
        assert answer.content_type == "application/problem+json"
    status: int = answer.status_code
    return status


def name_of(app: Flask, image: str, who: Account) -> str:
    name: str = send(app, "GET", image, who).get_json()["file_name"]
    return name


@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ("{}", 200),
        ("*", 200),
        ('"other", {}', 200),
        ('"other"', 412),
        ('"other", "another"', 412),
        ("W/{}", 412),  # If-Match compares strongly
        ("", 412),
    ],
)
def test_if_match(app: Flask, anna: Account, image: str, shape: str, status: int) -> None:
    before = name_of(app, image, anna)
    assert rename(app, image, anna, If_Match=shape.format(tag_of(app, image, anna))) == status
    assert (name_of(app, image, anna) == before) == (status == 412)


@pytest.mark.parametrize(
    ("shape", "status"), [("{}", 412), ("*", 412), ("W/{}", 412), ('"other"', 200)]
)
def test_if_none_match(app: Flask, anna: Account, image: str, shape: str, status: int) -> None:
    given = shape.format(tag_of(app, image, anna))
    assert rename(app, image, anna, If_None_Match=given) == status


def test_a_tag_is_stale_after_a_change(app: Flask, anna: Account, image: str) -> None:
    tag = tag_of(app, image, anna)
    assert rename(app, image, anna, If_Match=tag) == 200
    assert rename(app, image, anna, If_Match=tag) == 412
    assert send(app, "DELETE", image, anna, headers={"If-Match": tag}).status_code == 412
    tag = tag_of(app, image, anna)
    assert send(app, "DELETE", image, anna, headers={"If-Match": tag}).status_code == 204


def test_of_changes_at_once_with_one_tag_one_is_made(app: Flask, anna: Account, image: str) -> None:
    tag = tag_of(app, image, anna)

    def change(number: int) -> int:
        sent = {"file_name": f"{number}.png"}
        headers = {"If-Match": tag}
        status: int = send(app, "PATCH", image, anna, json=sent, headers=headers).status_code
        return status

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(8)))
    assert statuses == [200] + [412] * 7


@pytest.mark.parametrize("path", ["/v1/posts/{}", "/v1/posts/{}/like", "/v1/users/me"])
def test_nothing_else_is_changed_either(app: Flask, anna: Account, image: str, path: str) -> None:
    id = image.rpartition("/")[2]
    post = send(app, "POST", "/v1/posts", anna, json={"image_id": id, "text": "one"}).get_json()
    path = path.format(post["id"])
    for method in ("PUT",) if path.endswith("like") else ("PATCH", "DELETE"):
        wrong = {"If-Match": '"wrong"'}
        answer = send(app, method, path, anna, json={"text": "two"}, headers=wrong)
        assert answer.status_code == 412
    seen = send(app, "GET", f"/v1/posts/{post['id']}", anna).get_json()
    assert (seen["text"], seen["likes"]) == ("one", 0)


def test_who_may_not_see_it_is_not_told_of_tags(app: Flask, anna: Account, image: str) -> None:
    assert rename(app, image, sign_up(app), If_Match='"wrong"') == 404
    assert rename(app, image, None, If_Match="*") in (401, 404)


def test_private_answers_are_not_for_shared_caches(app: Flask, anna: Account, image: str) -> None:
    answer = send(app, "GET", image, anna)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "X-API-Key"} <= set(answer.vary)
    assert {"Authorization", "X-API-Key"} <= set(send(app, "GET", image, None).vary)
    for path in ("/v1/users/me", "/v1/keys"):
        assert send(app, "GET", path, anna).headers["Cache-Control"] == "no-store"
