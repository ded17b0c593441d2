"""What the admin pages show, what their actions do, what reading them costs, on every database."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from common.database.ids import new_id, smallest_id
from common.database.session import Sessions, now, transact
from common.tables import Image, Prediction, State
from tests.support.http.accounts import Account, make_admin, sign_up
from tests.support.http.admin import act, browser
from tests.support.http.calls_in_process import ask, call, upload
from tests.support.http.posts import post
from tests.support.rows.databases import migrate, opened
from tests.support.services.in_process import app as app
from tests.support.services.in_process import application, statements

NASTY = "<img src=x onerror=alert(1)> & 'so' \"on\""
ESCAPED = "&lt;img src=x onerror=alert(1)&gt; &amp; &#39;so&#39; &#34;on&#34;"
LISTS = ("users", "images", "predictions", "posts", "feedback")


@pytest.fixture
def client(app: Flask, sessions: Sessions) -> FlaskClient:
    make_admin(sessions, sign_up(app, "root"))
    return browser(app, "root")


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(f"/admin/{path}")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_what_people_wrote_is_shown_as_text(
    app: Flask, sessions: Sessions, client: FlaskClient, anna: Account
) -> None:
    made = post(app, anna, NASTY)
    image = upload(app, anna)["id"]
    name = update(Image).values(file_name=NASTY)
    error = insert(Prediction).values(
        id=(failed := new_id()), task="classify", params={"x": NASTY},
        state=State.FAILED, error_code="x", error_detail=NASTY, deadline_at=now(1),
    )  # fmt: skip
    transact(sessions, lambda session: [session.execute(each) for each in (name, error)])
    for path in (
        "posts", f"posts/details/?id={made['id']}", "images", f"images/details/?id={image}",
        "predictions", f"predictions/details/?id={failed}",
    ):  # fmt: skip
        shown = page(client, path)
        assert ESCAPED in shown, path
        assert "<img src=x" not in shown, path
    for table in LISTS:
        assert "<img src=x" not in page(client, f"{table}/?search=%3Cimg src=x%3E")


def test_nothing_secret_is_read(
    app: Flask, sessions: Sessions, client: FlaskClient, anna: Account
) -> None:
    asked = ask(app, anna, upload(app, anna)["id"])
    call(app, "POST", "/v1/keys", anna, json={"name": "camera"})
    hook = update(Prediction).values(webhook_url="https://hook.example/x", webhook_secret="whsec_1")
    transact(sessions, lambda session: session.execute(hook))
    paths = [f"users/details/?id={anna.id}", f"predictions/details/?id={asked['id']}", *LISTS]
    with statements(app) as sent:
        shown = "".join(page(client, path) for path in paths)
    for secret in ("argon2", "hook.example", "whsec_1", "aft_", anna.tokens["access_token"]):
        assert secret not in shown
    for column in ("password_hash", "webhook_url", "webhook_secret", "refresh_id", "api_keys"):
        assert not [each for each in sent if column in each], column


def test_pages_lead_from_one_to_the_next_and_count_nothing(
    app: Flask, sessions: Sessions, client: FlaskClient
) -> None:
    ids = [smallest_id(datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)) for second in range(60)]
    rows = [
        {"id": id, "task": "classify", "params": {}, "visibility": "private", "state": "failed"}
        for id in ids
    ]
    enter = insert(Prediction).values(deadline_at=now(1))
    transact(sessions, lambda session: session.execute(enter, rows))
    seen: list[str] = []
    path = "predictions/?only=failed lately"
    with statements(app) as sent:
        for size in (25, 25, 10):
            shown = page(client, path)
            found = [str(id) for id in reversed(ids) if f'value="{id}"' in shown]
            assert len(found) == size
            seen += found
            path = f"predictions/?only=failed lately&before={found[-1]}"
    assert seen == [str(id) for id in reversed(ids)]
    assert 'rel="next"' not in shown
    assert not [each for each in sent if "count(" in each.lower()]


def test_rows_are_found_by_what_stands_in_an_index(
    app: Flask, client: FlaskClient, anna: Account
) -> None:
    image = upload(app, anna, query="name=needle.png")
    asked = ask(app, anna, image["id"])
    upload(app, None)
    for search, count in (
        (image["id"], 1), (image["sha256"], 1), ("needle.png", 1), ("needle", 0), ("@Anna", 1),
        (anna.id, 1), ("@nobody", 0), (new_id(), 0),
    ):  # fmt: skip
        assert page(client, f"images/?search={search}").count('name="rowid"') == count, search
    for search in (asked["id"], image["id"], anna.id, "@anna"):
        assert f'value="{asked["id"]}"' in page(client, f"predictions/?search={search}"), search
    for search in ("ann", "ANNA", "anna@exam", anna.id):
        assert page(client, f"users/?search={search}").count('name="rowid"') == 1, search


SEARCHES = {
    "users": ("anna", "anna@example.org", new_id()),
    "images": ("a.png", "@anna", "0" * 64, new_id()),
    "predictions": ("@anna", new_id()),
    "posts": ("@anna", new_id()),
    "feedback": ("cat", new_id()),
}


def test_no_list_is_read_without_an_index(tmp_path: Path) -> None:
    """By SQLite's plans, which do not depend on how many rows there are."""
    migrate(url := f"sqlite:///{tmp_path / 'test.db'}", tmp_path)
    paths = [*LISTS, "predictions/?only=unfinished", "predictions/?only=failed lately"]
    paths += [f"{table}/?search={each}" for table, found in SEARCHES.items() for each in found]
    plans: list[str] = []
    with opened(url) as sessions, application(sessions, tmp_path) as app:
        make_admin(sessions, sign_up(app, "root"))
        client = browser(app, "root")
        with statements(app) as sent:
            for path in paths:
                page(client, path)
        with sessions.engine.connect() as connection:
            for statement in {each for each in sent if " LIMIT " in each}:
                values = ("x",) * statement.count("?")
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                plans += [row[3] for row in plan]
    assert len(plans) > len(paths)
    # Without an index only the latest are read through, of which there are so many at most.
    assert {each for each in plans if "SCAN" in each and "INDEX" not in each} <= {"SCAN anon_1"}


def test_predictions_are_canceled_and_retried(
    app: Flask, client: FlaskClient, anna: Account
) -> None:
    id = ask(app, anna, upload(app, anna)["id"])["id"]

    def state() -> str:
        return str(call(app, "GET", f"/v1/predictions/{id}", anna).get_json()["status"])

    assert "canceled, unless finished: 1" in act(client, "predictions", "cancel", id).text
    assert state() == "canceled"
    assert "queued again: 1" in act(client, "predictions", "retry", id).text
    assert state() == "queued"
    gone = act(client, "predictions", "retry", new_id(), "x", "")
    assert "There is no such prediction." in gone.text
    assert act(client, "predictions", "explode", id).status_code == 200
    assert act(client, "predictions", "cancel", *[id] * 101).status_code == 422
    assert state() == "queued"


def test_images_are_shown_to_others_or_not(app: Flask, client: FlaskClient, anna: Account) -> None:
    id = upload(app, anna)["id"]
    assert call(app, "GET", f"/v1/images/{id}", None).status_code == 404
    assert "made public: 1" in act(client, "images", "public", id).text
    assert call(app, "GET", f"/v1/images/{id}", None).status_code == 200
    act(client, "images", "private", id)
    assert call(app, "GET", f"/v1/images/{id}", None).status_code == 404


def test_posts_are_deleted(app: Flask, client: FlaskClient, anna: Account) -> None:
    id = post(app, anna)["id"]
    assert "deleted: 1" in act(client, "posts", "delete", id).text
    assert call(app, "GET", f"/v1/posts/{id}", anna).status_code == 404
    assert "No post with this id exists." in act(client, "posts", "delete", id).text
