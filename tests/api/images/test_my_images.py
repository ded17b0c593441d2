"""My own images: listed, looked for by their bytes, changed."""

import hashlib
from typing import Any

import pytest
from flask import Flask

from common.database.ids import new_id
from common.database.session import Sessions
from tests.support.http.accounts import Account, make_admin, sign_up
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.services.in_process import app as app


def listed(app: Flask, who: Account, query: str = "") -> Any:
    answer = call(app, "GET", f"/v1/images?{query}", who)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_my_images_are_listed_the_newest_first(app: Flask, anna: Account, ben: Account) -> None:
    mine = [upload(app, anna, query=f"name={number}.png") for number in range(5)]
    upload(app, ben)
    upload(app, None)
    whole = listed(app, anna)
    assert whole["next"] is None
    assert sorted(each["id"] for each in whole["items"]) == sorted(each["id"] for each in mine)
    assert [each["id"] for each in whole["items"]] == sorted(
        (each["id"] for each in mine), reverse=True
    )
    shown = {key: value for key, value in mine[0].items() if key != "predictions"}
    assert shown in whole["items"]


def test_pages_follow_each_other(app: Flask, anna: Account) -> None:
    for _ in range(5):
        upload(app, anna)
    whole = listed(app, anna)["items"]
    first = call(app, "GET", "/v1/images?limit=2", anna)
    assert 'rel="next"' in first.headers["Link"]
    upload(app, anna)  # moves nothing
    seen, page = [], first.get_json()
    while page["next"]:
        seen += page["items"]
        page = listed(app, anna, f"limit=2&cursor={page['next']}")
    assert seen + page["items"] == whole


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor="])
def test_a_page_that_cannot_be_is_refused(app: Flask, anna: Account, query: str) -> None:
    assert status(app, "GET", f"/v1/images?{query}", anna) == 422


def test_a_cursor_is_its_owners(app: Flask, anna: Account, ben: Account) -> None:
    for _ in range(2):
        upload(app, anna)
    cursor = listed(app, anna, "limit=1")["next"]
    assert status(app, "GET", f"/v1/images?cursor={cursor}", ben) == 422


def test_what_i_have_is_told_by_its_sha256(app: Flask, anna: Account, ben: Account) -> None:
    data, other = photo(), photo()
    mine = upload(app, anna, data)["id"]
    upload(app, ben, other)
    digests = [hashlib.sha256(each).hexdigest() for each in (data, other, b"nothing")]
    asked = {"sha256": [digests[0].upper(), *digests[1:], digests[0]]}
    answer = call(app, "POST", "/v1/images/check", anna, json=asked).get_json()
    assert answer == {
        "known": [{"sha256": digests[0], "image_id": mine}],
        "missing": digests[1:],
    }


@pytest.mark.parametrize(
    "body", [{}, {"sha256": []}, {"sha256": ["x"]}, {"sha256": "0" * 64}, {"sha256": [None]},
             {"sha256": ["0" * 64 + "\n"]}, {"sha256": ["0" * 64] * 1001}, {"other": 1}, [], "x"],
)  # fmt: skip
def test_what_is_no_sha256_is_refused(app: Flask, anna: Account, body: Any) -> None:
    assert status(app, "POST", "/v1/images/check", anna, json=body) == 422


def test_a_thousand_are_looked_for_at_once(app: Flask, anna: Account) -> None:
    digests = [hashlib.sha256(bytes([n % 256, n // 256])).hexdigest() for n in range(1000)]
    answer = call(app, "POST", "/v1/images/check", anna, json={"sha256": digests})
    assert (answer.status_code, answer.get_json()["missing"]) == (200, digests)


def test_an_image_is_changed_by_its_owner(app: Flask, sessions: Sessions, anna: Account) -> None:
    image = upload(app, anna)["id"]
    row = ask(app, anna, image)["id"]
    wanted = {"visibility": "public", "file_name": "../Katze é.png"}
    changed = call(app, "PATCH", f"/v1/images/{image}", anna, json=wanted)
    assert changed.status_code == 200
    assert changed.get_json()["visibility"] == "public"
    assert changed.get_json()["file_name"] == "Katze é.png"
    assert changed.get_json() == call(app, "GET", f"/v1/images/{image}", anna).get_json()
    shown = call(app, "GET", f"/v1/images/{image}", None).get_json()
    assert shown["file_name"] == "Katze é.png"
    assert [each["id"] for each in shown["predictions"]] == [row]
    assert status(app, "GET", f"/v1/predictions/{row}", None) == 200
    assert status(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"}) == 200
    assert status(app, "GET", f"/v1/predictions/{row}", None) == 404


def test_what_is_asked_after_a_change_is_shown_as_the_image_is(app: Flask, anna: Account) -> None:
    image = upload(app, anna, query="visibility=public")["id"]
    call(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"})
    row = ask(app, anna, image)["id"]
    assert status(app, "GET", f"/v1/predictions/{row}", None) == 404


@pytest.mark.parametrize(
    "body", [{}, {"visibility": "mine"}, {"visibility": None}, {"file_name": ""}, {"owner_id": "x"},
             {"file_name": "x" * 256}, {"file_name": "a\0b"}, {"file_name": "\ud800"}, [], "x"],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(app: Flask, anna: Account, body: Any) -> None:
    image = upload(app, anna)["id"]
    assert status(app, "PATCH", f"/v1/images/{image}", anna, json=body) == 422
    assert status(app, "PATCH", f"/v1/images/{image}", anna, data="{}") == 415


def test_only_its_owner_and_admins_change_an_image(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    admin = make_admin(sessions, sign_up(app))
    for visibility in ("private", "unlisted", "public"):
        path = f"/v1/images/{upload(app, anna, query=f'visibility={visibility}')['id']}"
        for method, body in (("PATCH", {"json": {"file_name": "x.png"}}), ("DELETE", {})):
            assert status(app, method, path, None, **body) == 401
            refused = call(app, method, path, ben, **body)
            assert (refused.status_code, refused.get_json()["code"]) == (404, "image_not_found")
        assert status(app, "PATCH", path, admin, json={"file_name": "x.png"}) == 200
        assert status(app, "DELETE", path, admin) == 204
    nobodys = f"/v1/images/{upload(app, None)['id']}"
    assert [status(app, "DELETE", nobodys, who) for who in (None, ben, admin)] == [401, 404, 204]
    assert status(app, "DELETE", f"/v1/images/{new_id()}", admin) == 404


def test_a_list_is_for_whoever_is_logged_in(app: Flask) -> None:
    for method, path in (("GET", "/v1/images"), ("POST", "/v1/images/check")):
        refused = call(app, method, path, None, json={"sha256": ["0" * 64]})
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
