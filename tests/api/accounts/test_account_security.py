"""What proves an account: passwords, log-ins and keys, and how many accounts a network opens."""

from pathlib import Path

import pytest
from flask import Flask

from api.app import close, create_app
from common.services import open_services
from common.settings import Settings
from tests.api.accounts.test_accounts import ME, get, patch, post
from tests.support.http.accounts import PASSWORD, Account, log_in, sign_up
from tests.support.rows.databases import migrate
from tests.support.services.in_process import app as app


def test_a_token_alone_changes_no_address(app: Flask, anna: Account) -> None:
    made = app.test_client().post("/v1/keys", json={"name": "x"}, headers=anna.headers)
    key = {"X-API-Key": made.get_json()["key"]}
    for headers in (anna.headers, key):
        for more in ({}, {"current_password": "wrong password"}):
            fields = {"email": "mallory@example.org", **more}
            answer = app.test_client().patch(ME, json=fields, headers=headers)
            assert answer.status_code == 422
    assert get(app, who=anna).get_json()["email"] == "anna@example.org"


@pytest.mark.parametrize("keep", [False, True])
def test_a_new_password_deletes_the_keys_unless_told_otherwise(
    app: Flask, anna: Account, keep: bool
) -> None:
    made = app.test_client().post("/v1/keys", json={"name": "x"}, headers=anna.headers)
    key = {"X-API-Key": made.get_json()["key"]}
    wanted = {"password": "another password", "current_password": PASSWORD, "keep_keys": keep}
    assert patch(app, anna, **wanted).status_code == 200
    assert app.test_client().get(ME, headers=key).status_code == (200 if keep else 401)


@pytest.mark.parametrize("keep", [1, 0, 1.0, "yes", "1", "true", "", [], {}])
def test_whether_to_keep_the_keys_is_a_boolean(app: Flask, anna: Account, keep: object) -> None:
    wanted = {"password": "another password", "current_password": PASSWORD, "keep_keys": keep}
    answer = app.test_client().patch("/v1/users/me", json=wanted, headers=anna.headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["keep_keys"])
    assert log_in(app, "anna")["access_token"]


def test_log_ins_are_listed_and_ended(app: Flask, anna: Account) -> None:
    other = Account(anna.id, anna.name, log_in(app, "anna"))
    listed = get(app, "/v1/users/me/logins", anna).get_json()["items"]
    assert [each["current"] for each in listed] == [False, True]
    ben = sign_up(app, "ben")
    path = f"/v1/users/me/logins/{listed[0]['id']}"
    assert app.test_client().delete(path, headers=ben.headers).status_code == 404
    assert get(app, who=other).status_code == 200
    assert app.test_client().delete(path, headers=anna.headers).status_code == 204
    assert get(app, who=other).status_code == 401
    assert len(get(app, "/v1/users/me/logins", anna).get_json()["items"]) == 1
    assert app.test_client().delete(path, headers=anna.headers).status_code == 404


def test_a_network_opens_a_limited_number_of_accounts(tmp_path: Path) -> None:
    settings = Settings.from_env({"DATA_DIR": str(tmp_path), "SIGN_UP_LIMIT": "2/hour"})
    with open_services(settings) as services:
        migrate(settings.database_url, tmp_path)
        app = create_app(services)
        try:
            names = ("anna", "anna", "ben", "carl")
            made = [post(app, name=name, email=f"{name}@example.org") for name in names]
            assert [each.status_code for each in made] == [201, 409, 201, 429]
            assert made[-1].get_json()["code"] == "too_many_sign_ups"
            assert int(made[-1].headers["Retry-After"]) > 3000
        finally:
            close(app)
