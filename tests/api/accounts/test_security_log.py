"""The security log: who logged in, and whose access changed, without any secret."""

from typing import Any

from flask import Flask
from structlog.testing import capture_logs

from tests.support.http.accounts import PASSWORD, Account, log_in, sign_up
from tests.support.services.in_process import app as app

FORM = {"grant_type": "", "scope": ""}


def security_events(logs: list[Any]) -> list[dict[str, Any]]:
    return [line for line in logs if line["event"] == "security"]


def test_each_change_of_access_is_one_line(app: Flask) -> None:
    client = app.test_client()
    with capture_logs() as logs:
        account = sign_up(app, "anna")
        wrong = FORM | {"username": "anna", "password": "wrong password"}
        assert client.post("/token", data=wrong).status_code == 401
        key = client.post("/v1/keys", json={"name": "camera"}, headers=account.headers).get_json()
        client.delete(f"/v1/keys/{key['id']}", headers=account.headers)
        assert client.delete("/v1/token", headers=account.headers).status_code == 204
    events = security_events(logs)
    assert [line["event_name"] for line in events] == [
        "sign-up", "log-in", "log-in refused", "key created", "key deleted", "log-out"
    ]  # fmt: skip
    assert {line["address"] for line in events} == {"127.0.0.1"}
    assert events[2]["name"] == "anna"
    assert events[3]["caller"] == events[3]["account"] == str(account.id)


def test_no_secret_is_logged(app: Flask, anna: Account) -> None:
    with capture_logs() as logs:
        tokens = log_in(app, "anna")
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        made = app.test_client().post("/v1/keys", json={"name": "x"}, headers=headers).get_json()
    text = str(security_events(logs))
    for secret in (PASSWORD, tokens["access_token"], tokens["refresh_token"], made["key"]):
        assert secret not in text
