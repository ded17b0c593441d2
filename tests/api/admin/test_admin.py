"""The admin pages on every database: who gets in, for how long, and what a session is good for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from common.database.session import Sessions, now, transact
from common.tables import Counter, Login, Role, User
from tests.support.http.accounts import PASSWORD, Account, make_admin, make_role, sign_up
from tests.support.http.admin import LOGIN, act, browser, log_in, token_of
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count

PAGES = ("", "users/", "images/", "predictions/", "posts/", "feedback/", "models/")


@pytest.fixture
def root(app: Flask, sessions: Sessions) -> Account:
    return make_admin(sessions, sign_up(app, "root"))


@pytest.fixture
def client(app: Flask, root: Account) -> FlaskClient:
    return browser(app, root.name)


def write(sessions: Sessions, change: Any) -> None:
    transact(sessions, lambda session: session.execute(change))


@pytest.mark.parametrize("page", PAGES)
def test_admins_see_the_pages_and_nobody_else_does(app: Flask, root: Account, page: str) -> None:
    anonymous, path = app.test_client(), f"/admin/{page}"
    answer = anonymous.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, LOGIN)
    assert anonymous.get(path, headers=root.headers).status_code == 302  # a token is no session
    sign_up(app, "anna")
    refused = browser(app, "anna").get(path)
    assert refused.status_code == 403
    assert "with the role admin" in refused.text
    seen = browser(app, "root").get(path)
    assert seen.status_code == 200
    assert "script-src 'self'" in seen.headers["Content-Security-Policy"]
    assert "unsafe" not in seen.headers["Content-Security-Policy"]
    assert seen.headers["Cache-Control"] == "no-store"


def test_a_session_is_good_for_the_admin_pages_alone(app: Flask, client: FlaskClient) -> None:
    cookie = client.get_cookie("afterimage_admin", path="/admin")
    assert cookie
    assert (cookie.path, cookie.http_only, cookie.same_site) == ("/admin", True, "Lax")
    assert not cookie.secure
    assert cookie.expires
    assert 1700 < (cookie.expires - datetime.now(UTC)).total_seconds() <= 1800
    for headers in ({}, {"Cookie": f"afterimage_admin={cookie.value}"}):
        answer = client.get("/v1/users/me", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "token_missing")
        assert "Set-Cookie" not in answer.headers
    for made_up in (cookie.value[:-2] + "xx", "x", "." * 300):
        stranger = app.test_client()
        stranger.set_cookie("afterimage_admin", made_up, path="/admin")
        assert stranger.get("/admin/").status_code == 302


def test_a_session_that_is_not_used_ends(app: Flask, client: FlaskClient) -> None:
    assert client.get("/admin/").status_code == 200
    app.permanent_session_lifetime = timedelta(seconds=-1)
    assert client.get("/admin/").status_code == 302


def test_the_cookie_is_for_https_where_that_is_spoken(app: Flask, root: Account) -> None:
    got = app.test_client().get(LOGIN, base_url="https://localhost")
    assert "; Secure;" in got.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "change",
    [
        update(User).values(is_active=False),
        update(User).values(role=Role.ML),
        update(Login).values(revoked_at=now()),
        update(Login).values(expires_at=now(-1)),
    ],
)
def test_a_session_ends_with_the_account_its_role_and_its_login(
    sessions: Sessions, client: FlaskClient, change: Any
) -> None:
    assert client.get("/admin/").status_code == 200
    write(sessions, change)
    assert client.get("/admin/").status_code == 302
    write(sessions, update(User).values(is_active=True, role=Role.ADMIN))
    assert client.get("/admin/").status_code == 302


def test_signing_out_ends_the_session_and_every_copy_of_it(app: Flask, client: FlaskClient) -> None:
    copy = app.test_client()
    cookie = client.get_cookie("afterimage_admin", path="/admin")
    assert cookie
    copy.set_cookie(cookie.key, cookie.value, path="/admin")
    assert copy.get("/admin/").status_code == 200
    sent = {"csrf_token": token_of(client.get("/admin/"))}
    assert client.post("/admin/logout", data=sent).status_code == 303
    assert client.get("/admin/").status_code == 302
    assert copy.get("/admin/").status_code == 302


def test_the_form_is_throttled_with_the_tokens_and_answers_alike(
    app: Flask, sessions: Sessions, root: Account
) -> None:
    client = app.test_client()
    wrong = [log_in(client, "root", "wrong"), log_in(client, "nobody")]
    write(sessions, update(User).values(is_active=False))
    wrong.append(log_in(client, "root"))
    assert {answer.status_code for answer in wrong} == {401}
    assert all("The name or the password is wrong." in answer.text for answer in wrong)
    write(sessions, update(User).values(is_active=True))
    form = {"username": "root", "password": "wrong"}
    for _ in range(3):
        assert client.post("/token", data=form).status_code == 401
    blocked = log_in(client, "root")
    assert blocked.status_code == 429
    assert int(blocked.headers["Retry-After"]) > 800
    write(sessions, update(Counter).values(ends_at=now()))
    assert log_in(client, "root").status_code == 303


def test_logging_in_changes_the_forms_token(app: Flask, root: Account) -> None:
    client = app.test_client()
    planted = token_of(client.get(LOGIN))
    assert log_in(client, "root").status_code == 303
    answer = client.post("/admin/logout", data={"csrf_token": planted})
    assert answer.status_code == 400


@pytest.mark.parametrize("token", [None, "", "x", "20990101000000##00", "\0" * 40])
def test_a_form_without_the_sessions_token_is_refused(
    app: Flask, sessions: Sessions, client: FlaskClient, token: str | None
) -> None:
    anna = sign_up(app, "anna")
    sent = {"action": "admin", "rowid": str(anna.id)}
    sent |= {} if token is None else {"csrf_token": token}
    for path in ("/admin/users/action/", "/admin/logout"):
        answer = client.post(path, data=sent)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "csrf_token_invalid")
    login = {"username": "root", "password": PASSWORD, "csrf_token": token or ""}
    assert app.test_client().post(LOGIN, data=login).status_code == 400
    assert client.get("/admin/").status_code == 200
    assert count(sessions, select(User.id).where(User.role == Role.ADMIN).subquery()) == 1


def test_anothers_token_is_no_good(app: Flask, client: FlaskClient, sessions: Sessions) -> None:
    other = make_role(sessions, sign_up(app, "other"), Role.ADMIN)
    theirs = token_of(browser(app, other.name).get("/admin/users/"))
    sent = {"action": "user", "rowid": str(other.id), "csrf_token": theirs}
    assert client.post("/admin/users/action/", data=sent).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "before=x", "before=", "only=x", "search=%00", "search=%ED%A0%80", "search=" + "a" * 5000,
        "page=-1&page_size=999999999999999999999", "sort=99&desc=x", "flt0_0=x", "_scheme=ftp",
        "endpoint=x&_external=1&_anchor=y&filename=z", "search=@", "search=@%00", "search=%40x",
        "search=" + "0" * 64, "search=" + "é" * 64, "search=a&search=b", "search=%25_",
    ],
)  # fmt: skip
def test_bad_addresses_are_answered(client: FlaskClient, query: str) -> None:
    for page in PAGES:
        assert client.get(f"/admin/{page}?{query}").status_code in (200, 422), page
    for page in ("users", "images", "predictions", "posts", "feedback"):
        for id in ("", "id=", "id=x", "id=%00", "id=a&id=b", "id=" + "f" * 32):
            assert client.get(f"/admin/{page}/details/?{id}").status_code == 404


def test_nobody_changes_their_own_account(client: FlaskClient, root: Account) -> None:
    for action in ("user", "disable"):
        said = act(client, "users", action, root.id)
        assert "You cannot change your own account; ask another admin." in said.text
    assert client.get("/admin/").status_code == 200


def test_roles_are_given_and_accounts_disabled(
    app: Flask, client: FlaskClient, sessions: Sessions
) -> None:
    anna = sign_up(app, "anna")
    me = app.test_client()
    assert "given the role ml: 1" in act(client, "users", "ml", anna.id).text
    assert me.get("/v1/users/me", headers=anna.headers).get_json()["role"] == "ml"
    assert "disabled: 1" in act(client, "users", "disable", anna.id).text
    assert me.get("/v1/users/me", headers=anna.headers).status_code == 401
    assert "enabled: 1" in act(client, "users", "enable", anna.id).text
    # What was good before stays ended: an account is disabled for a reason.
    assert me.get("/v1/users/me", headers=anna.headers).status_code == 401
    assert browser(app, "anna").get("/admin/").status_code == 403
