"""An image is removed: nothing of it stays, nothing else goes, whatever happens meanwhile."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import insert, select

from api import state
from common.database.session import Sessions, read, transact
from common.images import remove_image
from common.storage import ObjectMissing, object_key
from common.tables import BatchItem, Image, Post, Prediction, StoredObject, WebhookDelivery
from common.tasks.thumbnail import thumbnail_keys
from engine.garbage import delete_condemned
from tests.support.http.accounts import PASSWORD, Account
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.rows.prediction_steps import success, take, write
from tests.support.rows.social import new_post
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count


def storage_of(app: Flask) -> Any:
    return app.extensions["afterimage"].services.storage


def is_stored(app: Flask, key: str) -> bool:
    try:
        return bool(storage_of(app).get(key))
    except ObjectMissing:
        return False


def digest_of(image: dict[str, Any]) -> bytes:
    return bytes.fromhex(image["sha256"])


def asked_of(sessions: Sessions) -> list[UUID | None]:
    """The images of all predictions but the notes for the index."""
    rows = select(Prediction.image_id).where(Prediction.task != "index")
    return read(sessions, lambda session: list(session.scalars(rows)))


def remove(app: Flask, who: Account, image: dict[str, Any]) -> None:
    assert status(app, "DELETE", f"/v1/images/{image['id']}", who) == 204


def test_nothing_of_it_stays(app: Flask, sessions: Sessions, anna: Account) -> None:
    image, kept = upload(app, anna), upload(app, anna)
    items = [
        {"custom_id": str(number), "task": "classify", "image_id": each["id"]}
        for number, each in enumerate([image, kept])
    ]
    batch = call(app, "POST", "/v1/batches", anna, json=items).get_json()["id"]
    row = ask(app, anna, image["id"])["id"]
    owed = {"prediction_id": UUID(row), "url": "https://x.invalid/", "state": "pending"}
    transact(sessions, lambda session: session.execute(insert(WebhookDelivery), [owed]))
    new_post(sessions, anna.id, UUID(image["id"]))
    for key in thumbnail_keys(digest_of(image))[1:]:
        storage_of(app).put(key, b"small")
    remove(app, anna, image)
    for path in (f"/v1/images/{image['id']}", f"/v1/predictions/{row}"):
        assert status(app, "GET", path, anna) == 404
    assert status(app, "DELETE", f"/v1/images/{image['id']}", anna) == 404
    assert asked_of(sessions) == [UUID(kept["id"])]
    assert count(sessions, WebhookDelivery) == count(sessions, Post) == 0
    keys = [object_key(digest_of(image)), *thumbnail_keys(digest_of(image))]
    assert not any(is_stored(app, key) for key in keys)
    assert is_stored(app, object_key(digest_of(kept)))
    shown = call(app, "GET", f"/v1/batches/{batch}/items", anna).get_json()["items"]
    assert [each["status"] for each in shown] == ["rejected", "queued"]
    assert shown[0]["error"]["code"] == "image_deleted"
    assert count(sessions, BatchItem) == 2


def test_bytes_that_somebody_else_has_stay(app: Flask, anna: Account, ben: Account) -> None:
    data = photo()
    image, other = upload(app, anna, data), upload(app, ben, data)
    remove(app, anna, image)
    assert call(app, "GET", f"/v1/images/{other['id']}/content", ben).data == data
    remove(app, ben, other)
    assert not is_stored(app, object_key(digest_of(image)))


def test_sent_again_it_is_there_again(app: Flask, sessions: Sessions, anna: Account) -> None:
    data = photo()
    first = upload(app, anna, data)
    remove(app, anna, first)
    sent = {"data": data, "content_type": "image/png"}
    again = call(app, "POST", "/v1/images", anna, **sent)
    assert again.status_code == 201
    assert again.get_json()["id"] != first["id"]
    assert call(app, "GET", f"/v1/images/{again.get_json()['id']}/content", anna).data == data
    states = read(sessions, lambda session: list(session.scalars(select(StoredObject.state))))
    assert states == ["ready"]


def test_with_the_store_away_the_housekeeper_deletes_the_bytes(
    app: Flask, sessions: Sessions, anna: Account, tmp_path: Path
) -> None:
    image = upload(app, anna)
    folder = tmp_path / "one" / "objects"
    hidden = folder.rename(folder.with_name("elsewhere"))
    folder.touch()  # a file where the folder was: nothing in it can be deleted
    remove(app, anna, image)
    states = read(sessions, lambda session: list(session.scalars(select(StoredObject.state))))
    assert states == ["deleting"]
    folder.unlink()
    hidden.rename(folder)
    assert delete_condemned(app.extensions["afterimage"].services) == 1
    assert not is_stored(app, object_key(digest_of(image)))


def test_an_engine_at_work_finds_its_row_gone(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    image = upload(app, anna)
    ids = [UUID(ask(app, anna, image["id"])["id"]) for _ in range(2)]
    kept = UUID(ask(app, anna, upload(app, anna)["id"])["id"])
    jobs = take(sessions, [ids[0], kept]).jobs
    remove(app, anna, image)
    assert write(sessions, *map(success, jobs)) == [kept]
    assert take(sessions, [ids[1], kept]).unknown == [ids[1]], "its message finds no row"
    assert len(asked_of(sessions)) == 1


def test_who_waits_for_it_is_told_at_once(app: Flask, sessions: Sessions, anna: Account) -> None:
    image = upload(app, anna)
    row = ask(app, anna, image["id"])["id"]
    answers: list[Any] = []

    def wait() -> None:
        begin = time.monotonic()
        found = call(app, "GET", f"/v1/predictions/{row}?wait=20", anna)
        answers.append((found.status_code, time.monotonic() - begin))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    remove(app, anna, image)
    waiting.join(timeout=30)
    [(code, seconds)] = answers
    assert code == 404
    assert seconds < 10


def test_what_is_asked_of_it_while_it_goes_is_refused(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    """Found, and gone before the row is written: the image's row is held, or its absence met."""
    for who in (anna, None):
        image = upload(app, who)
        work = partial(remove_image, image_id=UUID(image["id"]))

        def gone_before(*args: Any, work: Any = work, **options: Any) -> Any:
            transact(sessions, work)
            return state.write(*args, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("api.uploads.service.write", gone_before)
            asked = {"task": "classify", "image_id": image["id"]}
            refused = call(app, "POST", "/v1/predictions", who, json=asked)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "image_not_found")


def test_uploads_and_deletions_of_the_same_bytes_lose_nothing(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    data = photo()
    sent = {"data": data, "content_type": "image/png"}
    seen: list[int] = []

    def churn(number: int) -> None:
        who = (anna, ben)[number % 2]
        for _ in range(6):
            answer = call(app, "POST", "/v1/images?tasks=classify", who, **sent)
            seen.append(answer.status_code)
            if answer.status_code in (200, 201) and number < 3:
                path = f"/v1/images/{answer.get_json()['id']}"
                assert status(app, "DELETE", path, who) in (204, 404)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(churn, range(4)))
    # 404: deleted by a twin before it could be shown. 503: asked to send it again.
    assert set(seen) <= {200, 201, 404, 503}
    assert 201 in seen
    left = read(sessions, lambda session: list(session.scalars(select(Image))))
    for image in left:
        who = anna if image.owner_id == anna.id else ben
        assert call(app, "GET", f"/v1/images/{image.id}/content", who).data == data
    states = read(sessions, lambda session: list(session.scalars(select(StoredObject.state))))
    assert states == (["ready"] if left else states)
    assert set(asked_of(sessions)) <= {image.id for image in left}


def test_with_an_account_go_its_images(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    shared = photo()
    mine = [upload(app, anna, data, "tasks=classify") for data in (shared, photo(), photo())]
    kept = upload(app, ben, shared, "tasks=classify")
    left = call(app, "DELETE", "/v1/users/me", anna, json={"password": PASSWORD})
    assert left.status_code == 204
    assert read(sessions, lambda s: list(s.scalars(select(Image.id)))) == [UUID(kept["id"])]
    assert asked_of(sessions) == [UUID(kept["id"])]
    stored = [is_stored(app, object_key(digest_of(image))) for image in mine]
    assert stored == [True, False, False]
