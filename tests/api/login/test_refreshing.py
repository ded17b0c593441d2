"""Refresh tokens on every database: good once, and the end of a log-in that is in two hands."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from common.accounts.logins import GRACE
from common.database.session import Sessions, now, read, transact
from common.housekeeping.retention import remove_old
from common.tables import Counter, Login, User
from tests.support.http.accounts import Account, log_in
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count


def refresh(app: Flask, tokens: Any, address: str = "127.0.0.1") -> TestResponse:
    body = {"refresh_token": tokens["refresh_token"]}
    where = {"REMOTE_ADDR": address}
    return app.test_client().post("/v1/token/refresh", json=body, environ_base=where)


def works(app: Flask, tokens: Any) -> bool:
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    return app.test_client().get("/v1/users/me", headers=headers).status_code == 200


def test_a_log_in_goes_on_from_token_to_token(app: Flask, anna: Account) -> None:
    tokens = anna.tokens
    for _ in range(3):
        answer = refresh(app, tokens)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.get_json().keys() == tokens.keys()
        assert answer.get_json()["refresh_token"] != tokens["refresh_token"]
        tokens = answer.get_json()
        assert works(app, tokens)


def test_a_token_used_twice_ends_the_log_in_for_both(app: Flask, anna: Account) -> None:
    other = log_in(app, "anna")
    new = refresh(app, anna.tokens).get_json()
    assert refresh(app, anna.tokens, "203.0.113.7").status_code == 401
    assert refresh(app, new).status_code == 401
    assert not works(app, new)
    assert not works(app, anna.tokens)
    assert works(app, other)


def test_after_a_while_a_used_token_ends_the_log_in_at_its_own_network_too(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    assert refresh(app, anna.tokens).status_code == 200
    later = update(Login).values(refreshed_at=now(-GRACE - 1))
    transact(sessions, lambda session: session.execute(later))
    assert refresh(app, anna.tokens).status_code == 401
    assert not works(app, anna.tokens)


def test_two_tabs_that_refresh_the_same_token_both_go_on(app: Flask, anna: Account) -> None:
    """A duplicated tab holds a copy of the other's refresh token."""
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: refresh(app, anna.tokens).get_json(), range(2))
    assert works(app, first)
    assert works(app, second)
    again = refresh(app, first).get_json()
    assert works(app, again)
    assert works(app, refresh(app, second).get_json()), "within the grace of the second refresh"


def test_of_two_networks_with_the_same_token_at_most_one_gets_tokens(
    app: Flask, anna: Account
) -> None:
    networks = ["203.0.113.7", "198.51.100.1"]
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda ip: refresh(app, anna.tokens, ip).status_code, networks))
    assert sorted(answers) == [200, 401]
    assert not works(app, anna.tokens)


def test_a_log_in_ends_some_day_however_often_it_is_refreshed(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    longest = 7776000
    began = update(Login).values(created_at=now(-longest + 100))
    transact(sessions, lambda session: session.execute(began))
    tokens = refresh(app, anna.tokens).get_json()
    left = select(Login.expires_at, now())
    ends, moment = read(sessions, lambda session: session.execute(left).one())
    assert 0 < (ends - moment).total_seconds() <= 100
    transact(
        sessions, lambda session: session.execute(update(Login).values(created_at=now(-longest)))
    )
    refresh(app, tokens)
    assert refresh(app, tokens).status_code == 401


def test_what_is_no_refresh_token(app: Flask) -> None:
    for token in ("", "x", "aft_x", None, 7):
        answer = refresh(app, {"refresh_token": token})
        assert answer.status_code == (401 if isinstance(token, str) else 422), token


def test_an_access_token_refreshes_nothing(app: Flask, anna: Account) -> None:
    assert refresh(app, {"refresh_token": anna.tokens["access_token"]}).status_code == 401
    assert works(app, anna.tokens)


@pytest.mark.parametrize(
    "change",
    [
        update(User).values(is_active=False),
        update(Login).values(expires_at=now()),
        update(Login).values(revoked_at=now()),
    ],
)
def test_what_has_ended_does_not_go_on(
    app: Flask, sessions: Sessions, anna: Account, change: Any
) -> None:
    transact(sessions, lambda session: session.execute(change))
    assert refresh(app, anna.tokens).status_code == 401


def test_signing_out_ends_both_tokens(app: Flask, anna: Account) -> None:
    other = log_in(app, "anna")
    client = app.test_client()
    assert client.delete("/v1/token", headers=anna.headers).status_code == 204
    assert not works(app, anna.tokens)
    assert refresh(app, anna.tokens).status_code == 401
    assert works(app, other)
    assert client.delete("/v1/token").status_code == 401


def test_what_has_ended_is_forgotten(app: Flask, sessions: Sessions, anna: Account) -> None:
    client = app.test_client()
    client.post("/token", data={"username": "anna", "password": "wrong"})
    counters = count(sessions, Counter)
    assert count(sessions, Login) == 1
    assert counters >= 3, "the sign-up, the log-in's network, the failure"
    transact(sessions, remove_old)
    assert (count(sessions, Login), count(sessions, Counter)) == (1, counters)
    for change in (
        update(Login).values(expires_at=now(-1)),
        update(Counter).values(ends_at=now(-1)),
    ):
        transact(sessions, lambda session, change=change: session.execute(change))  # type: ignore[misc]
    assert transact(sessions, remove_old) == counters + 1
    assert (count(sessions, Login), count(sessions, Counter)) == (0, 0)
