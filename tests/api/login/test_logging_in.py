"""Signing up and in, on every database: what tokens are good for, and which are refused."""

import time
from typing import Any

import jwt
import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.tables import Counter, Login, User
from tests.support.http.accounts import PASSWORD, Account, log_in, make_admin
from tests.support.services.in_process import statements

SECRET = "x" * 64  # as tests/support/services/in_process.py sets it
ME = "/v1/users/me"


def ask(app: Flask, path: str = ME, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return app.test_client().get(path, headers=named)


def refused(answer: TestResponse) -> Any:
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.mimetype == "application/problem+json"
    return answer.get_json()


def test_a_token_says_who_asks(app: Flask, anna: Account) -> None:
    mine = app.test_client().get(ME, headers=anna.headers)
    assert mine.status_code == 200
    assert mine.get_json() | {"created_at": ""} == {
        "id": str(anna.id),
        "name": "anna",
        "email": "anna@example.org",
        "role": "user",
        "created_at": "",
    }


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Token"])
def test_tokens_come_under_several_names(app: Flask, anna: Account, scheme: str) -> None:
    token = anna.tokens["access_token"]
    assert ask(app, Authorization=f"{scheme} {token}").status_code == 200
    assert ask(app, X_API_Key=token).status_code == 200
    assert refused(ask(app, X_API_Key=token, Authorization=f"{scheme} {token}"))


@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}, {"X_API_Key": ""}]
)
def test_who_sends_no_token_is_nobody(app: Flask, given: dict[str, str]) -> None:
    assert ask(app, "/v1/tasks", **given).status_code == 200
    answer = ask(app, **given)
    assert refused(answer)["code"] == "token_missing"
    assert "error=" not in answer.headers["WWW-Authenticate"]


def signed(account: Account, algorithm: str = "HS256", **changes: Any) -> str:
    """The account's access token with other claims; None takes one away."""
    claims = jwt.decode(account.tokens["access_token"], options={"verify_signature": False})
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, SECRET, algorithm)


def bad_tokens(account: Account) -> dict[str, str]:
    good = account.tokens["access_token"]
    head, body, signature = good.split(".")
    return {
        "empty": "",
        "garbage": "garbage",
        "three parts": "a b",
        "not ASCII": "é.é.é",
        "nested": "W1tb" * 1000 + "." + "W1tb" * 1000 + ".x",
        "tampered": f"{head}.{body[:-2]}.{signature}",
        "wrong key": jwt.encode({"sub": "x"}, "y" * 32, "HS256"),
        "alg none": jwt.encode({"sub": str(account.id)}, "", "none"),
        "another algorithm": signed(account, algorithm="HS512"),
        "expired": signed(account, exp=int(time.time()) - 60),
        "not yet valid": signed(account, nbf=int(time.time()) + 60),
        "from the future": signed(account, iat=int(time.time()) + 60),
        "no exp": signed(account, exp=None),
        "no iss": signed(account, iss=None),
        "no aud": signed(account, aud=None),
        "no jti": signed(account, jti=None),
        "no login": signed(account, login=None),
        "another's audience": signed(account, aud="others"),
        "another's issuer": signed(account, iss="others"),
        "refresh as access": account.tokens["refresh_token"],
        "unknown user": signed(account, sub=str(new_id())),
        "no user": signed(account, sub="anna"),
        "unknown login": signed(account, login=str(new_id())),
        "endless": signed(account, exp=float("inf")),
        "unknown key": "aft_unknown",
    }


def test_bad_tokens_are_refused_wherever_they_are_sent(app: Flask, anna: Account) -> None:
    assert ask(app, Authorization=f"Bearer {signed(anna)}").status_code == 200
    for name, token in bad_tokens(anna).items():
        for path in (ME, "/v1/tasks", "/nowhere"):
            answer = ask(app, path, Authorization=f"Bearer {token}")
            assert answer.status_code == 401, name
            assert refused(answer)["code"] == "invalid_token"
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "change",
    [
        update(Login).values(revoked_at=now()),
        update(Login).values(expires_at=now(-1)),
        update(User).values(is_active=False),
    ],
)
def test_a_token_ends_with_its_login_and_its_account(
    app: Flask, sessions: Sessions, anna: Account, change: Any
) -> None:
    transact(sessions, lambda session: session.execute(change))
    assert refused(ask(app, **anna.headers))["code"] == "invalid_token"


def test_a_role_counts_from_the_next_request_on(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    make_admin(sessions, anna)
    assert ask(app, **anna.headers).get_json()["role"] == "admin"


def test_who_is_signed_in_costs_one_select_and_nobody_none(app: Flask, anna: Account) -> None:
    with statements(app) as sent:
        assert ask(app, "/healthz", **anna.headers).status_code == 200
    assert [each.split()[0] for each in sorted(set(sent) - {"BEGIN"})] == ["SELECT"]
    with statements(app) as sent:
        assert ask(app, "/healthz").status_code == 200
    assert sent == []


@pytest.mark.parametrize("path", ["/token", "/token/"])
def test_the_old_classifiers_log_in(app: Flask, anna: Account, path: str) -> None:
    body = (
        f"grant_type=&username=anna&password={PASSWORD.replace(' ', '+')}"
        "&scope=&client_id=&client_secret="
    )
    form = "application/x-www-form-urlencoded"
    answer = app.test_client().post(path, data=body, content_type=form)
    assert answer.status_code == 200
    assert answer.get_json().keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
    }
    assert (answer.get_json()["token_type"], answer.get_json()["expires_in"]) == ("bearer", 900)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["Anna", " an na ", "ＡＮＮＡ"])
def test_a_name_may_be_spelt_as_it_looks(app: Flask, anna: Account, name: str) -> None:
    assert log_in(app, name)["access_token"]


def try_password(app: Flask, name: str, password: str, **options: Any) -> TestResponse:
    form = {"username": name, "password": password}
    return app.test_client().post("/token", data=form, **options)


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    answers = [try_password(app, "anna", "wrong " * 30), try_password(app, "nobody", PASSWORD)]
    transact(sessions, lambda session: session.execute(update(User).values(is_active=False)))
    answers.append(try_password(app, "anna", PASSWORD))
    bodies = [refused(answer) | {"request_id": ""} for answer in answers]
    assert bodies[0]["code"] == "credentials_invalid"
    assert bodies[0] == bodies[1] == bodies[2]


def test_the_sixth_failed_log_in_within_the_window_waits(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    for _ in range(5):
        assert try_password(app, "anna", "wrong").status_code == 401
    for password in ("wrong", PASSWORD):
        answer = try_password(app, "Anna", password)
        assert answer.status_code == 429
        assert answer.get_json()["code"] == "too_many_logins"
        assert 890 < int(answer.headers["Retry-After"]) <= 901
    assert try_password(app, "ben", "wrong").status_code == 401
    transact(sessions, lambda session: session.execute(update(Counter).values(ends_at=now())))
    assert try_password(app, "anna", PASSWORD).status_code == 200


def test_the_right_password_begins_anew(app: Flask, anna: Account) -> None:
    for _ in range(3):
        for _ in range(4):
            assert try_password(app, "anna", "wrong").status_code == 401
        assert try_password(app, "anna", PASSWORD).status_code == 200


def test_an_address_is_throttled_too_and_cannot_be_made_up(app: Flask, anna: Account) -> None:
    for number in range(50):
        forged = {"X-Forwarded-For": f"203.0.113.{number}"}
        assert try_password(app, f"user {number}", "wrong", headers=forged).status_code == 401
    assert try_password(app, "anna", PASSWORD).status_code == 429
    other = {"REMOTE_ADDR": "203.0.113.1"}
    assert try_password(app, "anna", PASSWORD, environ_overrides=other).status_code == 200
