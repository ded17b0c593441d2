"""What is shown to whom: private things are their owner's, and nobody else can tell they exist."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, transact
from common.predictions import cancel
from common.tables import Image, Prediction
from tests.support.http.accounts import Account, make_admin, make_ml, sign_up
from tests.support.http.calls_in_process import ask, call, status, upload
from tests.support.rows.prediction_steps import success, take, write
from tests.support.services.in_process import app as app

PATHS = {  # what leads to an image or a prediction, with the code of what is not there
    "GET /v1/images/{image}": "image_not_found",
    "GET /v1/images/{image}/content": "image_not_found",
    "GET /v1/images/{image}/thumbnail": "image_not_found",
    "GET /v1/images/{image}/preview": "image_not_found",
    "GET /v1/predictions/{row}": "prediction_not_found",
    "GET /v1/predictions/{row}?wait=1": "prediction_not_found",
    "POST /v1/predictions/{row}/cancel": "prediction_not_found",
    "POST /v1/predictions/{row}/retry": "prediction_not_found",
    "GET /v1/webhooks/deliveries?prediction_id={row}": "prediction_not_found",
    "POST /v1/webhooks/deliveries/{row}/redeliver": "prediction_not_found",
    "GET /predictions/{row}": "prediction_not_found",
    "GET /outline/objects/check/{row}": "prediction_not_found",
}


@pytest.fixture
def others(app: Flask, sessions: Sessions) -> Iterator[list[Account | None]]:
    yield [None, sign_up(app), make_ml(sessions, sign_up(app))]


@pytest.fixture
def admin(app: Flask, sessions: Sessions) -> Account:
    return make_admin(sessions, sign_up(app))


def image_and_row(app: Flask, who: Account | None, visibility: str) -> dict[str, str]:
    image = upload(app, who, query=f"visibility={visibility}")["id"]
    return {"image": image, "row": ask(app, who, image)["id"]}


def show_in_post(sessions: Sessions, image: str, posts: int = 1) -> None:
    """What the first post of it, and the end of the last one, writes."""
    shown = update(Image).where(Image.id == UUID(image)).values(posts=posts)
    transact(sessions, lambda session: session.execute(shown))


def test_a_batch_does_not_tell_the_results_of_what_became_private(
    app: Flask, sessions: Sessions, anna: Account, others: list[Account | None]
) -> None:
    image, ben = upload(app, anna, query="visibility=public")["id"], others[1]
    items = {"items": [{"custom_id": "a", "image_id": image, "task": "classify"}]}
    batch = call(app, "POST", "/v1/batches", ben, json=items).get_json()["id"]

    def line() -> Any:
        return json.loads(call(app, "GET", f"/v1/batches/{batch}/results", ben).data)

    [job] = take(sessions, [UUID(line()["prediction_id"])]).fresh
    write(sessions, success(job))
    assert (line()["status"], line()["error"]) == ("succeeded", None)
    assert line()["result"]
    assert status(app, "PATCH", f"/v1/images/{image}", anna, json={"visibility": "private"}) == 200
    assert (line()["status"], line()["result"]) == ("succeeded", None)
    assert line()["error"]["code"] == "image_not_found"


def test_what_is_private_is_not_there_for_others(
    app: Flask, anna: Account, others: list[Account | None]
) -> None:
    ids = image_and_row(app, anna, "private")
    unknown = dict.fromkeys(ids, str(new_id()))
    for line, code in PATHS.items():
        method, _, path = line.partition(" ")
        for who in others:
            hidden = call(app, method, path.format(**ids), who)
            nothing = call(app, method, path.format(**unknown), who)
            assert hidden.status_code == nothing.status_code == 404, line
            assert hidden.get_json()["code"] == code, line
            assert hidden.get_json()["detail"] == nothing.get_json()["detail"], line


def test_its_owner_and_admins_see_it(app: Flask, anna: Account, admin: Account) -> None:
    ids = image_and_row(app, anna, "private")
    for who in (anna, admin):
        for path in ("/v1/images/{image}", "/v1/images/{image}/content", "/v1/predictions/{row}"):
            assert status(app, "GET", path.format(**ids), who) == 200
    assert status(app, "POST", f"/v1/predictions/{ids['row']}/cancel", admin) == 200
    assert status(app, "POST", f"/v1/predictions/{ids['row']}/retry", anna) == 202


@pytest.mark.parametrize("visibility", ["unlisted", "public"])
def test_what_is_not_private_is_for_whoever_has_the_id(
    app: Flask, anna: Account, others: list[Account | None], visibility: str
) -> None:
    ids = image_and_row(app, anna, visibility)
    for who in others:
        assert status(app, "GET", f"/v1/images/{ids['image']}", who) == 200
        assert status(app, "GET", f"/v1/predictions/{ids['row']}", who) == 200
        assert ask(app, who, ids["image"])["image_id"] == ids["image"]


def test_only_who_asked_cancels_and_retries(
    app: Flask, anna: Account, others: list[Account | None]
) -> None:
    ids = image_and_row(app, anna, "public")
    for who in others:
        for verb in ("cancel", "retry"):
            assert status(app, "POST", f"/v1/predictions/{ids['row']}/{verb}", who) == 404
    theirs = ask(app, others[1], ids["image"])["id"]
    assert status(app, "POST", f"/v1/predictions/{theirs}/cancel", anna) == 404, "not hers either"
    assert status(app, "POST", f"/v1/predictions/{theirs}/cancel", others[1]) == 200


def test_nobodys_is_for_whoever_has_its_id(app: Flask, anna: Account) -> None:
    ids = image_and_row(app, None, "unlisted")
    assert status(app, "POST", f"/v1/predictions/{ids['row']}/cancel", None) == 200
    assert status(app, "POST", f"/v1/predictions/{ids['row']}/retry", anna) == 202


def test_while_a_post_shows_it_everybody_sees_it(
    app: Flask, sessions: Sessions, anna: Account, others: list[Account | None]
) -> None:
    ids = image_and_row(app, anna, "private")
    for posts, expected in ((2, 200), (0, 404)):
        show_in_post(sessions, ids["image"], posts)
        for who in others:
            assert status(app, "GET", f"/v1/images/{ids['image']}", who) == expected
            assert status(app, "GET", f"/v1/predictions/{ids['row']}", who) == expected


def test_what_is_of_no_image_is_for_who_asked(
    app: Flask, sessions: Sessions, anna: Account, admin: Account, others: list[Account | None]
) -> None:
    def without_image(row: str) -> Any:
        this = update(Prediction).where(Prediction.id == UUID(row)).values(image_id=None)

        def work(session: Session) -> None:
            cancel(session, UUID(row))
            session.execute(this)

        transact(sessions, work)
        return f"/v1/predictions/{row}"

    path = without_image(image_and_row(app, anna, "unlisted")["row"])
    assert [status(app, "GET", path, who) for who in (anna, admin)] == [200, 200]
    assert [status(app, "GET", path, who) for who in others] == [404] * 3
    path = without_image(image_and_row(app, None, "unlisted")["row"])
    assert [status(app, "GET", path, who) for who in (anna, *others)] == [200] * 4


def test_nothing_is_asked_of_what_is_not_there_for_the_caller(
    app: Flask, anna: Account, others: list[Account | None]
) -> None:
    image = upload(app, anna)["id"]
    item = {"custom_id": "a", "task": "classify", "image_id": image}
    for who in others:
        asked = {"task": "classify", "image_id": image}
        refused = call(app, "POST", "/v1/predictions", who, json=asked)
        assert (refused.status_code, refused.get_json()["code"]) == (422, "image_not_found")
        batch = call(app, "POST", "/v1/batches", who, json=[item]).get_json()
        assert batch["counts"]["rejected"] == 1
    assert call(app, "POST", "/v1/batches", anna, json=[item]).get_json()["counts"]["queued"] == 1


def test_a_batch_is_its_owners(
    app: Flask, anna: Account, admin: Account, others: list[Account | None]
) -> None:
    item = {"custom_id": "a", "task": "classify", "image_id": upload(app, None)["id"]}
    batch = call(app, "POST", "/v1/batches", anna, json=[item]).get_json()["id"]
    anybodys = call(app, "POST", "/v1/batches", None, json=[item]).get_json()["id"]
    ways = {"GET ": 200, "GET /items": 200, "GET /results": 200, "POST /cancel": 200}
    for way, good in ways.items():
        method, _, path = way.partition(" ")
        for who in others:
            hidden = call(app, method, f"/v1/batches/{batch}{path}", who)
            assert (hidden.status_code, hidden.get_json()["code"]) == (404, "batch_not_found")
        for who in (anna, admin):
            assert status(app, method, f"/v1/batches/{batch}{path}", who) == good
        for who in (anna, *others):
            assert status(app, method, f"/v1/batches/{anybodys}{path}", who) == good
