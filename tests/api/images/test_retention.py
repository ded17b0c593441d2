"""RETENTION_DAYS: which images and predictions are deleted, and what remains of them."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import insert

from common.database.session import Sessions, now, transact
from common.services import Services
from common.tables import Image, Prediction, WebhookDelivery
from common.tasks import DAY
from engine.garbage import forget
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.http.posts import link
from tests.support.rows import feedback
from tests.support.rows.deletion import everything, files, indexed, mentions, store_thumbnails
from tests.support.rows.old_results import (
    asked,
    classified,
    fail,
    finish,
    remaining,
    run,
    with_days,
)
from tests.support.rows.past import days_ago
from tests.support.rows.prediction_steps import rewrite, row

DAYS = 7


@pytest.fixture
def services(app: Flask) -> Services:
    """The application's services, with RETENTION_DAYS."""
    return with_days(app.extensions["afterimage"].services, DAYS)


def test_nothing_is_deleted_without_the_setting(
    app: Flask, services: Services, sessions: Sessions
) -> None:
    with days_ago(sessions, 4000):
        classified(app, sessions, None)
    before = everything(sessions)
    off = with_days(services, None)
    assert run(off) == (0, 0)
    forget(off)
    after = everything(sessions)
    assert [after[name] for name in ("images", "predictions", "objects")] == [
        before[name] for name in ("images", "predictions", "objects")
    ]


def test_nothing_refers_to_an_old_image_without_an_owner(
    app: Flask, services: Services, sessions: Sessions, anna: Account
) -> None:
    with days_ago(sessions, DAYS + 1):
        key: dict[str, Any] = {"Idempotency-Key": "k" * 20}
        image = upload(app, None, query="visibility=public&tasks=classify", **key)
        finish(sessions, *image["predictions"])
        asked(app, sessions, anna, image, metadata={"note": "hers"})
        items = [{"custom_id": "mine", "task": "embed", "image_id": image["id"]}]
        batch = call(app, "POST", "/v1/batches", anna, json=items).get_json()["id"]
        [item] = call(app, "GET", f"/v1/batches/{batch}/items", anna).get_json()["items"]
        finish(sessions, {"id": item["prediction_id"]})
        search = feedback.searched(sessions, "a tabby", [UUID(image["id"])], owner_id=anna.id)
        feedback.give(app, search, positive=[image["id"]], clicks=[image["id"]], headers=anna.headers)  # fmt: skip  # noqa: E501
    store_thumbnails(app, image["sha256"])
    assert indexed(app, image["id"])
    before = mentions(sessions, image["id"])
    assert before >= {"images", "predictions", "votes", "clicks", "lessons", "idempotency_keys"}
    assert run(services)[0] == 4, "three predictions and the image"
    assert not indexed(app, image["id"])
    assert files(app, image["sha256"]) == []
    # Another caller's search, until it is removed itself; the note that updates the index.
    assert mentions(sessions, image["id"]) <= {"predictions"}
    assert remaining(sessions, Prediction.task) == {"search"}
    paths = [f"/v1/images/{image['id']}{what}" for what in ("", "/content", "/thumbnail?size=64")]
    paths += [f"/v1/predictions/{each['id']}" for each in image["predictions"]]
    assert [status(app, "GET", path, anna) for path in paths] == [404] * len(paths)


def test_bytes_that_another_image_has_are_kept(
    app: Flask, services: Services, sessions: Sessions, anna: Account
) -> None:
    data = photo()
    with days_ago(sessions, DAYS + 1):
        upload(app, None, data)
        kept = upload(app, anna, data)
    assert run(services) == (1, 0)
    assert call(app, "GET", f"/v1/images/{kept['id']}/content", anna).data == data


def test_images_with_an_owner_or_in_use_are_kept(
    app: Flask, services: Services, sessions: Sessions, anna: Account, ben: Account
) -> None:
    with days_ago(sessions, DAYS + 1):
        old = [classified(app, sessions, anna), upload(app, anna), upload(app, ben)]
        form = {"text": "a post", "image_id": old[1]["id"]}
        post = call(app, "POST", "/v1/posts", anna, json=form).get_json()
        link(app, anna, post["id"])
        call(app, "PUT", f"/v1/posts/{post['id']}/like", ben)
        unfinished = upload(app, None, query="tasks=classify")
        used = classified(app, sessions, None)
        owed = classified(app, sessions, None)
    [first] = used["predictions"]
    again = asked(app, sessions, None, used)
    young = classified(app, sessions, None)
    due = {"prediction_id": UUID(owed["predictions"][0]["id"]), "url": "http://x/"}
    pending = insert(WebhookDelivery).values(**due, state="pending", next_attempt_at=now(60))
    transact(sessions, lambda session: session.execute(pending))
    assert run(services) == (1, 0), "the old prediction of the image with a new one"
    images = {each["id"] for each in (*old, unfinished, used, owed, young)}
    assert remaining(sessions, Image.id) == images
    assert first["id"] not in remaining(sessions)
    assert again in remaining(sessions)
    assert run(services) == (0, 0)
    older = now(-(DAYS + 1) * DAY)
    rewrite(sessions, [UUID(again)], finished_at=older)
    finish(sessions, *unfinished["predictions"])
    assert run(services) == (2, 0), "the image with `again`, which is old now"
    assert remaining(sessions, Image.id) == images - {used["id"]}


def test_an_owner_keeps_the_newest_result_of_each_task(
    app: Flask, services: Services, sessions: Sessions, anna: Account, ben: Account
) -> None:
    with days_ago(sessions, DAYS + 1):
        image = classified(app, sessions, anna, visibility="public")
        [first] = image["predictions"]
        call(app, "PATCH", f"/v1/images/{image['id']}", anna, json={"visibility": "public"})
        second = asked(app, sessions, anna, image)
        caption = asked(app, sessions, anna, image, task="caption")
        failed = ask(app, anna, image["id"], task="caption", fresh=True)
        fail(sessions, failed)
        failed_before = ask(app, anna, image["id"], task="outline", fresh=True)
        fail(sessions, failed_before)
        outline = asked(app, sessions, anna, image, task="outline")
        his = [asked(app, sessions, ben, image) for _ in range(2)]
    kept = {second, caption, failed["id"], outline, his[1]}
    assert run(services) == (0, 3)
    assert remaining(sessions) == kept
    assert status(app, "GET", f"/v1/predictions/{first['id']}", anna) == 404
    shown = call(app, "GET", f"/v1/images/{image['id']}", anna).get_json()["predictions"]
    assert {each["id"] for each in shown} == {second, failed["id"], outline}


def test_a_result_that_is_replaced_later_goes_when_the_newer_one_is_old(
    app: Flask, services: Services, sessions: Sessions, anna: Account
) -> None:
    with days_ago(sessions, 30):
        image = classified(app, sessions, anna)
    with days_ago(sessions, 20):
        assert run(with_days(services, 25)) == (0, 0), "examined, and the only one"
        second = asked(app, sessions, anna, image)
    assert run(with_days(services, 25)) == (0, 0)
    assert run(with_days(services, 15)) == (0, 1)
    assert remaining(sessions) == {second}
    young = asked(app, sessions, anna, image)
    with days_ago(sessions, 12):
        third = asked(app, sessions, anna, image)
    assert run(with_days(services, 10)) == (0, 2), "replaced by one that is young"
    assert remaining(sessions) == {young}
    assert third != young


def test_a_retry_is_not_lost(app: Flask, services: Services, sessions: Sessions) -> None:
    with days_ago(sessions, DAYS + 1):
        image = upload(app, None, query="tasks=classify")
        [prediction] = image["predictions"]
        fail(sessions, prediction)
    path = f"/v1/predictions/{prediction['id']}"
    assert status(app, "POST", f"{path}/retry", None) in (200, 202)
    assert run(services) == (0, 0)
    assert finish(sessions, prediction) == [UUID(prediction["id"])]
    assert run(services) == (0, 0), "it has just finished"
    assert row(sessions, UUID(prediction["id"])).state == "succeeded"
