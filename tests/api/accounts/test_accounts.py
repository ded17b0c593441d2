"""Accounts on every database: opened, shown, changed, closed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from api.app import close, create_app
from common.database.session import Sessions, read
from common.services import open_services
from common.settings import Settings
from common.tables import ApiKey, Login, User
from tests.support.http.accounts import PASSWORD, Account, log_in, sign_up
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count

ANNA = {"name": "Anna Ü", "email": "anna@example.org", "password": PASSWORD}
ME = "/v1/users/me"
ALIKE = ("anna ü", "ANNA Ü", " Anna  Ü ", "AnnaÜ", "Ａｎｎａ Ü", "Anna U\u0308", "ₐnna ü")
REFUSED = [
    ("name", "Anna\u00a0Ü"),
    ("password", "1234567"),
    ("password", "password"),
    ("password", "12345678"),
    ("password", "Qwertyuiop"),
    ("password", "anna@example.org"),
    ("password", "x" * 129),
    ("password", "12345678\x00"),
    ("password", "12345678\ud800"),
    ("password", None),
    ("name", ""),
    ("name", "me"),
    ("name", "Me"),
    ("name", "ｍｅ"),
    ("name", "x" * 41),
    ("name", "\ufdfa" * 40),
    ("name", "a/b"),
    ("name", ".."),
    ("name", "a\u200bb"),
    ("name", "a\nb"),
    ("name", "   "),
    ("name", 7),
    ("name", "admin"),
    ("name", "Sup-port"),
    ("name", "ＡＤＭＩＮ"),
    ("name", "\u0430nna"),
    ("name", "ann\u03b1"),
    ("name", "anna\ufe0f"),
    ("name", "an\u3164na"),
    ("name", "a" + "\u0301" * 4_000 + "\u0316" * 4_000),
    ("email", "anna"),
    ("email", "a@b@c.de"),
    ("email", "x" * 250 + "@example.org"),
    ("email", "an\x00na@example.org"),
    ("email", "an\ud800na@example.org"),
    ("email", '"\u0001"@example.com'),
    ("email", '"an na"@example.com'),
    ("email", "an\u200bna@example.com"),
    ("email", "x" * 60_000),
    ("role", "admin"),
    ("id", "1"),
    ("is_active", True),
]


def post(app: Flask, **fields: Any) -> TestResponse:
    return app.test_client().post("/v1/users", json=ANNA | fields)


def patch(app: Flask, who: Account, **fields: Any) -> TestResponse:
    return app.test_client().patch(ME, json=fields, headers=who.headers)


def delete(app: Flask, who: Account, **fields: Any) -> TestResponse:
    return app.test_client().delete(ME, json=fields, headers=who.headers)


def get(app: Flask, path: str = ME, who: Account | None = None) -> TestResponse:
    return app.test_client().get(path, headers=who.headers if who else {})


def test_who_signs_up_is_told_what_was_kept(app: Flask, sessions: Sessions) -> None:
    answer = post(app)
    assert answer.status_code == 201
    assert answer.headers["Location"] == ME
    body = answer.get_json()
    assert body.keys() == {"id", "name", "email", "role", "created_at"}
    assert (body["name"], body["email"], body["role"]) == ("Anna Ü", "anna@example.org", "user")
    kept = read(sessions, lambda session: session.scalar(select(User.password_hash))) or ""
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_name_that_looks_like_a_taken_one_is_taken(app: Flask) -> None:
    assert post(app).status_code == 201
    for name in ALIKE:
        answer = post(app, name=name, email="other@example.org")
        assert answer.status_code == 409, name
        assert answer.get_json()["errors"] == {"name": ["is taken"]}


def test_an_address_has_one_account(app: Flask) -> None:
    assert post(app).status_code == 201
    for email in ("anna@example.org", "ANNA@example.ORG"):
        answer = post(app, name="ben", email=email)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "taken")
        assert answer.get_json()["errors"] == {"email": ["is taken"]}


def test_what_cannot_be_an_account(app: Flask) -> None:
    for field, value in REFUSED:
        answer = post(app, **{field: value})
        assert answer.status_code == 422, (field, value)
        assert list(answer.get_json()["errors"]) == [field]


@pytest.mark.parametrize(
    "name", ["Анна Каренина", "山田 太郎", "アンナ X", "김 Anna", "Ἀγάθη", "नमिता 7"]
)
def test_a_name_may_be_of_any_one_script(app: Flask, name: str) -> None:
    assert post(app, name=name).get_json()["name"] == name


def test_passwords_of_8_to_128_characters_are_fine(app: Flask) -> None:
    for password in ("81726354", "x" * 128, "pässwörd 💎"):
        assert log_in(app, sign_up(app, password=password).name, password)


def test_one_of_many_who_want_a_name_gets_it(app: Flask, sessions: Sessions) -> None:
    def want(number: int) -> int:
        return post(app, name="anna", email=f"{number}@example.org").status_code

    with ThreadPoolExecutor(4) as threads:
        statuses = sorted(threads.map(want, range(4)))
    assert statuses == [201, 409, 409, 409]
    assert count(sessions, User) == 1


def test_others_see_a_name_and_no_address(app: Flask, anna: Account) -> None:
    for name in ("anna", "ANNA"):
        assert get(app, f"/v1/users/{name}").get_json().keys() == {"name", "created_at"}
    answer = get(app, "/v1/users/nobody")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "user_not_found")


def test_an_address_may_be_changed(app: Flask, anna: Account) -> None:
    sign_up(app, "ben")
    new = {"email": "new@example.org", "current_password": PASSWORD}
    assert patch(app, anna, **new).get_json()["email"] == "new@example.org"
    assert get(app, who=anna).get_json()["email"] == "new@example.org"
    assert patch(app, anna, **new | {"email": "Ben@Example.org"}).status_code == 409
    assert patch(app, anna, **new).status_code == 200


def test_a_new_password_wants_the_old_one_and_ends_other_log_ins(app: Flask, anna: Account) -> None:
    other = Account(anna.id, anna.name, log_in(app, "anna"))
    for wrong in ({}, {"current_password": "wrong password"}):
        answer = patch(app, anna, password="another password", **wrong)
        assert answer.status_code == 422
        assert list(answer.get_json()["errors"]) == ["current_password"]
    done = patch(app, anna, password="another password", current_password=PASSWORD)
    assert done.status_code == 200
    assert get(app, who=anna).status_code == 200
    assert get(app, who=other).status_code == 401
    assert log_in(app, "anna", "another password")


def test_nobody_changes_what_is_not_theirs_to_change(app: Flask, anna: Account) -> None:
    for fields in ({"role": "admin"}, {"name": "ben"}, {"is_active": False}):
        assert patch(app, anna, **fields).status_code == 422
    assert get(app, who=anna).get_json()["role"] == "user"


def test_guessing_with_a_stolen_token_is_throttled(app: Flask, anna: Account) -> None:
    statuses = [delete(app, anna, password="wrong").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert delete(app, anna, password=PASSWORD).status_code == 429


def test_an_account_goes_with_what_proves_it(app: Flask, sessions: Sessions, anna: Account) -> None:
    client = app.test_client()
    key = client.post("/v1/keys", json={"name": "x"}, headers=anna.headers).get_json()["key"]
    assert delete(app, anna, password="wrong").status_code == 422
    assert delete(app, anna, password=PASSWORD).status_code == 204
    assert [count(sessions, table) for table in (User, Login, ApiKey)] == [0, 0, 0]
    assert get(app, who=anna).status_code == 401
    assert client.get(ME, headers={"X-API-Key": key}).status_code == 401
    assert get(app, "/v1/users/anna").status_code == 404
    assert sign_up(app, "anna").id != anna.id


def test_accounts_may_be_the_admins_alone_to_open(tmp_path: Path) -> None:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path), "SIGN_UP": "off"})
    with open_services(settings) as services:
        closed = create_app(services)
        answer = post(closed)
        close(closed)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "sign_up_off")
