"""Accounts for tests: signed up and logged in as clients do it, over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from common.database.session import Sessions, transact
from common.tables import Role, User

PASSWORD = "correct horse battery"
_numbers = count(1)


@dataclass(frozen=True)
class Account:
    """Somebody who has logged in."""

    id: UUID
    name: str
    tokens: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        """What their requests carry."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


def sign_up(where: str | Flask | FlaskClient, name: str = "", password: str = PASSWORD) -> Account:
    """A new account on a service's base URL or on an application; without a name, any."""
    name = name or f"user {next(_numbers)}"
    wanted = {"name": name, "email": f"{name.replace(' ', '.')}@example.org", "password": password}
    status, made = _call(where, "/v1/users", json=wanted)
    assert status == 201, made
    return Account(UUID(made["id"]), made["name"], log_in(where, name, password))


def log_in(where: str | Flask | FlaskClient, name: str, password: str = PASSWORD) -> Any:
    """What `POST /token` answers."""
    form = {"grant_type": "", "username": name, "password": password, "scope": ""}
    status, tokens = _call(where, "/token", data=form)
    assert status == 200, tokens
    return tokens


def make_role(sessions: Sessions, account: Account, role: Role) -> Account:
    """Give them the role; it counts from their next request on."""
    row = update(User).where(User.id == account.id).values(role=role)
    transact(sessions, lambda session: session.execute(row))
    return account


def make_admin(sessions: Sessions, account: Account) -> Account:
    """Make them an admin."""
    return make_role(sessions, account, Role.ADMIN)


def make_ml(sessions: Sessions, account: Account) -> Account:
    """Make them one of the ML team."""
    return make_role(sessions, account, Role.ML)


def _call(where: str | Flask | FlaskClient, path: str, **body: Any) -> tuple[int, Any]:
    if isinstance(where, str):
        answer = requests.post(where + path, timeout=30, **body)
        return answer.status_code, answer.json()
    client = where.test_client() if isinstance(where, Flask) else where
    got = client.post(path, **body)
    return got.status_code, got.get_json()
