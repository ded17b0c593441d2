"""The admin pages as a browser uses them: a session, and forms with their tokens."""

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.http.accounts import PASSWORD

LOGIN = "/admin/login"


def token_of(page: TestResponse) -> str:
    """What the page's forms carry."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def log_in(client: FlaskClient, name: str, password: str = PASSWORD) -> TestResponse:
    """What the form of /admin/login is answered."""
    sent = {"username": name, "password": password, "csrf_token": token_of(client.get(LOGIN))}
    return client.post(LOGIN, data=sent)


def browser(app: Flask, name: str, password: str = PASSWORD) -> FlaskClient:
    """Somebody who has logged in to the admin pages."""
    client = app.test_client()
    answer = log_in(client, name, password)
    assert answer.status_code == 303, answer.text
    return client


def act(client: FlaskClient, table: str, action: str, *ids: Any) -> TestResponse:
    """What an action on these rows leads to: the list, with what became of it."""
    page = client.get(f"/admin/{table}/")
    sent = {"action": action, "rowid": [str(id) for id in ids], "csrf_token": token_of(page)}
    return client.post(f"/admin/{table}/action/", data=sent, follow_redirects=True)


def status(app: Flask, who: str | None, method: str, path: str, form: dict[str, Any]) -> int:
    """The status that somebody gets who has logged in to the pages, whatever they may see there;
    or somebody who has not.
    """
    client = browser(app, who) if who else app.test_client()
    if method == "POST":
        form |= {"csrf_token": token_of(client.get("/admin/" if who else LOGIN))}
    return client.open(path, method=method, data=form or None).status_code
