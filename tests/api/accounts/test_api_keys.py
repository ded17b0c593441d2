"""Personal API keys on every database: shown once, kept as a hash, good until they end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from common.accounts import api_keys
from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.tables import ApiKey, User
from tests.support.http.accounts import Account, make_admin, sign_up
from tests.support.images.pictures import encode, picture
from tests.support.services.in_process import app as app
from tests.support.services.in_process import statements

REFUSED: list[dict[str, Any]] = [
    {"name": ""},
    {"name": "x" * 101},
    {"name": "a\x00"},
    {"name": None},
    {"expires_at": "yesterday"},
    {"expires_at": "2001-01-01T00:00:00Z"},
    {"expires_at": "9999-12-31T23:59:59-23:59"},
    {"expires_at": 7},
    {"sha256": "x"},
]


def make(app: Flask, who: Account, **fields: Any) -> TestResponse:
    wanted = {"name": "camera"} | fields
    return app.test_client().post("/v1/keys", json=wanted, headers=who.headers)


def me(app: Flask, key: str) -> TestResponse:
    return app.test_client().get("/v1/users/me", headers={"X-API-Key": key})


def test_a_key_is_shown_once_and_kept_as_a_hash(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    answer = make(app, anna)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.get_json()
    assert made["key"].startswith("aft_") and made["key"].startswith(made["hint"])
    [listed] = app.test_client().get("/v1/keys", headers=anna.headers).get_json()["items"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    row = read(sessions, lambda session: session.scalar(select(ApiKey)))
    assert row is not None and row.sha256 == api_keys.digest_of(made["key"])
    assert made["key"] not in str(vars(row))


def test_the_answer_is_the_created_key_even_beside_a_newer_one(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    newer = make(app, anna, name="newer").get_json()
    later = update(ApiKey).values(created_at=now(60))
    transact(sessions, lambda session: session.execute(later))
    made = make(app, anna, name="older").get_json()
    assert made["name"] == "older"
    assert made["id"] != newer["id"]
    assert me(app, made["key"]).status_code == 200


def test_a_key_says_who_asks(app: Flask, anna: Account) -> None:
    key = make(app, anna).get_json()["key"]
    schemes = [{"Authorization": f"{scheme} {key}"} for scheme in ("Bearer", "Token")]
    for headers in (*schemes, {"X-API-Key": key}):
        answer = app.test_client().get("/v1/users/me", headers=headers)
        assert answer.get_json()["name"] == "anna"


def test_a_key_costs_one_select_and_notes_its_use_once_a_minute(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    key = make(app, anna).get_json()["key"]
    assert me(app, key).status_code == 200
    used = select(ApiKey.used_at)
    first = read(sessions, lambda session: session.scalar(used))
    assert first is not None
    with statements(app) as sent:
        app.test_client().get("/healthz", headers={"X-API-Key": key})
    assert [each.split()[0] for each in set(sent) - {"BEGIN"}] == ["SELECT"]
    assert read(sessions, lambda session: session.scalar(used)) == first
    transact(sessions, lambda s: s.execute(update(ApiKey).values(used_at=now(-61))))
    assert me(app, key).status_code == 200
    later = read(sessions, lambda session: session.scalar(used))
    assert later is not None and later >= first


@pytest.mark.parametrize(
    "change", [update(ApiKey).values(expires_at=now()), update(User).values(is_active=False)]
)
def test_a_key_ends(app: Flask, sessions: Sessions, anna: Account, change: Any) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    key = make(app, anna, expires_at=until.isoformat()).get_json()["key"]
    assert me(app, key).status_code == 200
    transact(sessions, lambda session: session.execute(change))
    assert me(app, key).status_code == 401


def test_what_cannot_be_a_key(app: Flask, anna: Account) -> None:
    for fields in REFUSED:
        answer = make(app, anna, **fields)
        assert answer.status_code == 422, fields
        assert list(answer.get_json()["errors"]) == list(fields)


def test_a_key_is_its_owners_to_delete(app: Flask, sessions: Sessions, anna: Account) -> None:
    made, ben = make(app, anna).get_json(), make_admin(sessions, sign_up(app, "ben"))
    path = f"/v1/keys/{made['id']}"
    client = app.test_client()
    for path_of_none in (path, f"/v1/keys/{new_id()}", "/v1/keys/x"):
        answer = client.delete(path_of_none, headers=ben.headers)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "key_not_found")
    assert client.get("/v1/keys", headers=ben.headers).get_json()["items"] == []
    assert me(app, made["key"]).status_code == 200
    assert client.delete(path, headers=anna.headers).status_code == 204
    assert me(app, made["key"]).status_code == 401
    assert client.delete(path, headers=anna.headers).status_code == 404


def test_a_key_makes_no_keys_and_signs_nobody_out(app: Flask, anna: Account) -> None:
    headers = {"X-API-Key": make(app, anna).get_json()["key"]}
    client = app.test_client()
    answer = client.post("/v1/keys", json={"name": "x"}, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "login_needed")
    assert client.delete("/v1/token", headers=headers).status_code == 401


def test_keys_come_page_by_page_and_are_not_without_end(app: Flask, anna: Account) -> None:
    made = [make(app, anna).get_json()["id"] for _ in range(3)]
    client = app.test_client()
    first = client.get("/v1/keys?limit=2", headers=anna.headers)
    link = f'cursor={first.get_json()["next"]}>; rel="next"'
    assert first.headers["Link"].endswith(link)
    rest = client.get(f"/v1/keys?cursor={first.get_json()['next']}", headers=anna.headers)
    listed = first.get_json()["items"] + rest.get_json()["items"]
    assert [each["id"] for each in listed] == sorted(made, reverse=True)
    assert rest.get_json()["next"] is None
    assert {make(app, anna).status_code for _ in range(api_keys.MOST - 3)} == {201}
    assert make(app, anna).get_json()["code"] == "too_many_keys"


def test_idempotency_keys_are_the_callers_own(app: Flask, sessions: Sessions) -> None:
    image = encode(picture(seed=1), "PNG")
    answers = []
    for who in (sign_up(app), sign_up(app), None):
        options = {"headers": who.headers | {"Idempotency-Key": "one"}} if who else {}
        headers = options.pop("headers", {"Idempotency-Key": "one"})
        client = app.test_client()
        path = "/v1/predictions?task=classify"
        for _ in range(2):
            answer = client.post(path, data=image, content_type="image/png", headers=headers)
            answers.append(answer.get_json()["id"])
    assert answers[0::2] == answers[1::2]
    assert len(set(answers)) == 3
