"""What of a prediction is told to whom: bodies, view by view, and who may act on it."""

import json
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import insert

from api.http.errors import error_response
from common.database.session import Sessions, transact
from common.errors import SettingsError
from common.predictions import Failure
from common.tables import WebhookDelivery
from tests.support.http.accounts import Account, make_admin, make_ml, sign_up
from tests.support.http.calls_in_process import ask, call, status, upload
from tests.support.http.posts import answer_all, link, slug_of
from tests.support.rows import feedback
from tests.support.rows.prediction_steps import take, write
from tests.support.services.in_process import app as app

SECRET = {"customer": "ACME-secret"}
WHY = "a detail that is nobody else's"
ASKERS = ("attempts", "timings", "deadline_at")


@pytest.fixture
def people(app: Flask, sessions: Sessions) -> dict[str, Account | None]:
    """`anna` owns the image, `ben` has asked of it."""
    found = {name: sign_up(app) for name in ("anna", "ben", "carl", "ml", "admin")}
    make_ml(sessions, found["ml"])
    make_admin(sessions, found["admin"])
    return {**found, "anonymous": None}


def fail(sessions: Sessions, *ids: str) -> None:
    jobs = take(sessions, [UUID(id) for id in ids]).jobs
    write(sessions, *(Failure(job, "image_undecodable", WHY) for job in jobs))


def rows_of(app: Flask, image: str, id: str, who: Account | None) -> dict[str, Any]:
    """The prediction as each view shows it to the caller."""
    views = {"prediction": call(app, "GET", f"/v1/predictions/{id}", who).get_json()}
    listed = {
        "image": (f"/v1/images/{image}", "predictions"),
        "log of the image": (f"/v1/predictions?image_id={image}", "items"),
    }
    for view, (path, name) in listed.items():
        rows = call(app, "GET", path, who).get_json()[name]
        [views[view]] = [row for row in rows if row["id"] == id]
    return views


def test_metadata_and_details_are_told_to_who_asked(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    image = upload(app, people["anna"], query="visibility=public")["id"]
    made = ask(app, people["ben"], image, metadata=SECRET)
    assert made["metadata"] == SECRET
    fail(sessions, made["id"])
    for name, who in people.items():
        for view, row in rows_of(app, image, made["id"], who).items():
            about = f"{view} for {name}"
            assert (row["status"], row["error"]["code"]) == ("failed", "image_undecodable"), about
            if name in ("ben", "admin"):
                assert (row["metadata"], row["error"]["detail"]) == (SECRET, WHY), about
                assert row["attempts"] == 1, about
                assert row["timings"], about
                assert row["deadline_at"], about
            else:
                hidden = [row[field] for field in ("metadata", *ASKERS)]
                assert (hidden, row["error"]["detail"]) == ([None] * 4, None), about


def test_no_answer_to_anybody_else_holds_them(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    """Every view that can hold the row, by every caller, as text."""
    anna = people["anna"]
    assert anna
    form = {"text": "Hello", "image_id": (image := upload(app, anna)["id"])}
    mine = ask(app, anna, image, metadata=SECRET)["id"]
    answer_all(sessions, {"predictions": [{"id": mine, "task": "classify"}]})
    post = call(app, "POST", "/v1/posts", anna, json=form).get_json()
    slug = slug_of(link(app, anna, post["id"]))
    item = {"custom_id": "a", "task": "classify", "image_id": image}
    batch = call(app, "POST", "/v1/batches", people["ben"], json=[item]).get_json()["id"]
    feedback.searched(sessions, "cat", [UUID(image)])
    paths = [
        f"/v1/images/{image}", f"/v1/predictions/{mine}", f"/v1/predictions/{mine}?wait=1",
        f"/v1/predictions?image_id={image}", "/v1/predictions", "/v1/posts",
        f"/v1/posts/{post['id']}", "/v1/posts?sort=most_liked", f"/s/{slug}", "/v1/feed",
        f"/v1/batches/{batch}/items", f"/v1/batches/{batch}/results", f"/predictions/{mine}",
        f"/outline/objects/check/{mine}", "/v1/images", "/v1/webhooks/deliveries", "/gallery",
        "/v1/feedback", "/api/analytics", "/v1/analytics/feedback",
    ]  # fmt: skip
    told = list[str]()
    for path in paths:
        for name, who in people.items():
            text = call(app, "GET", path, who).text
            assert "ACME-secret" not in text or name in ("anna", "admin"), (path, name)
            told += [path] if "ACME-secret" in text else []
    views = {f"/v1/predictions/{mine}", "/v1/predictions", f"/v1/posts/{post['id']}", f"/s/{slug}"}
    assert views <= set(told), "their owner sees them there"


def test_the_outline_service_tells_no_details_of_others(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    image = upload(app, people["anna"], query="visibility=public")["id"]
    id = ask(app, people["ben"], image, task="outline", params={"format": "polygons"})["id"]
    fail(sessions, id)
    for name, who in people.items():
        told = call(app, "GET", f"/outline/objects/check/{id}", who).get_json()["error"]
        detail = WHY if name in ("ben", "admin") else None
        assert told == {"code": "image_undecodable", "detail": detail}, name


def test_an_anonymous_caller_gets_metadata_in_the_answer_alone(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    image = upload(app, None, query="visibility=public")["id"]
    key = {"Idempotency-Key": "0123456789abcdef"}
    sent = {"task": "classify", "image_id": image, "metadata": SECRET}
    first, again = (
        call(app, "POST", "/v1/predictions", None, json=sent, headers=key).get_json()
        for _ in range(2)
    )
    assert first == again
    assert first["metadata"] == SECRET
    fail(sessions, first["id"])
    for name, who in people.items():
        for row in rows_of(app, image, first["id"], who).values():
            assert row["metadata"] == (SECRET if name == "admin" else None)
            assert row["error"] == {"code": "image_undecodable", "detail": WHY}, "it is nobody's"
            assert row["attempts"] == 1


def test_an_id_that_a_page_tells_lets_nobody_act(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    for owner, visibility in (
        (None, "public"),
        (people["anna"], "public"),
        (people["anna"], "unlisted"),
    ):
        image = upload(app, owner, query=f"visibility={visibility}")["id"]
        id = ask(app, None, image)["id"]
        owed = {"prediction_id": UUID(id), "url": "https://x.invalid/", "state": "failed"}
        transact(sessions, lambda s, owed=owed: s.execute(insert(WebhookDelivery), [owed]))  # type: ignore[misc]
        ways = (
            ("POST", f"/v1/predictions/{id}/cancel"),
            ("POST", f"/v1/predictions/{id}/retry"),
            ("POST", f"/v1/webhooks/deliveries/{id}/redeliver"),
            ("GET", f"/v1/webhooks/deliveries?prediction_id={id}"),
        )
        for name, who in people.items():
            if name != "admin":
                [row] = call(app, "GET", f"/v1/images/{image}", who).get_json()["predictions"]
                assert (row["id"], row["urls"]["cancel"]) == (id, None)
                assert [status(app, *way, who) for way in ways] == [404] * 4, (name, visibility)
        found = call(app, "GET", f"/v1/predictions/{id}", None).get_json()
        assert found["status"] == "queued", "and nothing has come of it"
        assert status(app, *ways[0], people["admin"]) == 200


def test_an_anonymous_caller_acts_on_what_only_they_know(app: Flask) -> None:
    image = upload(app, None)["id"]
    id = ask(app, None, image)["id"]
    assert call(app, "GET", f"/v1/predictions/{id}", None).get_json()["urls"]["cancel"]
    assert status(app, "POST", f"/v1/predictions/{id}/cancel", None) == 200
    batch = upload(app, None, query="visibility=public")["id"]
    item = {"custom_id": "a", "task": "classify", "image_id": batch}
    made = call(app, "POST", "/v1/batches", None, json=[item]).get_json()
    canceled = call(app, "POST", f"/v1/batches/{made['id']}/cancel", None).get_json()
    assert canceled["counts"]["canceled"] == 1


def test_a_search_row_tells_no_image_that_may_not_be_found_now(
    app: Flask, sessions: Sessions, people: dict[str, Account | None]
) -> None:
    anna, ben = people["anna"], people["ben"]
    assert ben
    images = {
        "public": upload(app, anna, query="visibility=public")["id"],
        "private": upload(app, anna, query="visibility=public")["id"],
        "deleted": upload(app, anna, query="visibility=public")["id"],
        "own": upload(app, ben)["id"],
    }
    search = feedback.searched(
        sessions, "cat", [UUID(id) for id in images.values()], owner_id=ben.id
    )
    call(app, "PATCH", f"/v1/images/{images['private']}", anna, json={"visibility": "private"})
    call(app, "DELETE", f"/v1/images/{images['deleted']}", anna)
    for path in (f"/v1/predictions/{search}", "/v1/predictions?task=search", "/v1/predictions"):
        body = call(app, "GET", path, ben).get_json()
        row = body["items"][0] if "items" in body else body
        assert row["id"] == str(search)
        found = [item["image_id"] for item in row["result"]["items"]]
        assert found == [images["public"], images["own"]], path
        assert images["private"] not in json.dumps(body)


def test_a_setting_that_cannot_be_used_is_not_told_to_callers(app: Flask) -> None:
    with app.test_request_context("/v1/images"):
        answer = error_response(SettingsError("INDEX_URL: s3.internal ignores conditional writes."))
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert "s3.internal" not in answer.get_data(as_text=True)
