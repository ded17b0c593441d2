"""Guessing passwords is slowed down, and nobody is locked out by somebody else's guesses."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.login import passwords, throttle
from api.state import EXTENSION
from tests.support.http.accounts import PASSWORD, Account

HOME, AWAY = "198.51.100.1", "203.0.113.7"


def log_in(app: Flask, password: str, address: str, name: str = "anna") -> TestResponse:
    form = {"username": name, "password": password}
    return app.test_client().post("/token", data=form, environ_base={"REMOTE_ADDR": address})


def test_a_strangers_guesses_do_not_lock_the_owner_out(app: Flask, anna: Account) -> None:
    statuses = [log_in(app, "wrong", AWAY).status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert log_in(app, PASSWORD, HOME).status_code == 200


def test_guesses_from_many_networks_slow_down_unknown_ones_alone(
    app: Flask, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "PER_ACCOUNT", 10)
    assert log_in(app, PASSWORD, HOME).status_code == 200
    guesses = [log_in(app, "wrong", f"203.0.113.{number}").status_code for number in range(12)]
    assert guesses == [401] * 11 + [429]
    waiting = log_in(app, PASSWORD, "192.0.2.1")
    assert waiting.status_code == 429
    assert int(waiting.headers["Retry-After"]) <= throttle.PAUSE + 1
    assert log_in(app, PASSWORD, HOME).status_code == 200, "known by its last log-in"


def test_a_log_in_that_finds_the_service_busy_is_no_failure(app: Flask, anna: Account) -> None:
    room = app.extensions[EXTENSION].passwords._places
    taken = 0
    while room.acquire(blocking=False):
        taken += 1
    try:
        for _ in range(8):
            answer = log_in(app, PASSWORD, HOME)
            assert (answer.status_code, answer.get_json()["code"]) == (503, "busy")
    finally:
        for _ in range(taken):
            room.release()
    assert log_in(app, PASSWORD, HOME).status_code == 200


def test_a_flood_of_sign_ups_leaves_places_for_log_ins(app: Flask, anna: Account) -> None:
    room = app.extensions[EXTENSION].passwords._hash_places
    while room.acquire(blocking=False):
        pass  # as many sign-ups as may be hashed at once
    new = {"name": "ben", "email": "ben@example.org", "password": PASSWORD}
    assert app.test_client().post("/v1/users", json=new).status_code == 503
    assert log_in(app, PASSWORD, HOME).status_code == 200


def test_a_refused_sign_up_costs_no_hash(
    app: Flask, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(passwords.Passwords, "hash", lambda _self, text: hashed.append(text))
    taken = {"name": "Anna", "email": "other@example.org", "password": PASSWORD}
    assert app.test_client().post("/v1/users", json=taken).status_code == 409
    assert hashed == []
