"""Whose an image is, and what follows from it: one row for the same bytes, and its visibility."""

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from common.database.session import Sessions, read
from common.tables import IdempotencyKey, Image, Prediction, StoredObject
from tests.support.http.accounts import Account
from tests.support.http.calls_in_process import ask, call, photo, status, upload
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count, statements

ASKED = Prediction.task != "index"  # the notes for the index are the house's own


def owners(sessions: Sessions, table: Any) -> list[Any]:
    rows = select(table.owner_id).where(*([ASKED] if table is Prediction else []))
    return read(sessions, lambda session: list(session.scalars(rows)))


def test_an_image_is_of_whoever_sends_it(app: Flask, sessions: Sessions, anna: Account) -> None:
    upload(app, anna, query="tasks=classify,outline")
    assert owners(sessions, Image) == [anna.id]
    assert owners(sessions, Prediction) == [anna.id] * 2
    upload(app, None, query="tasks=classify")
    assert sorted(owners(sessions, Image), key=str) == sorted([anna.id, None], key=str)


def test_what_nothing_is_said_of_is_private_or_unlisted(app: Flask, anna: Account) -> None:
    assert upload(app, anna)["visibility"] == "private"
    assert upload(app, None)["visibility"] == "unlisted"
    for said in ("private", "unlisted", "public"):
        assert upload(app, anna, query=f"visibility={said}")["visibility"] == said


@pytest.mark.parametrize("path", ["/v1/images", "/v1/predictions?task=classify"])
def test_nothing_is_private_to_nobody(app: Flask, sessions: Sessions, path: str) -> None:
    form = {"visibility": "private", "file": (BytesIO(photo()), "a.png")}
    refused = call(app, "POST", path, None, data=form)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid")
    assert set(refused.get_json()["errors"]) == {"visibility"}
    assert count(sessions, Image) == count(sessions, StoredObject) == 0


def test_the_same_bytes_by_the_same_owner_are_the_same_image(
    app: Flask, sessions: Sessions, anna: Account, ben: Account
) -> None:
    data = photo()
    sent = {"data": data, "content_type": "image/png"}
    first, again = (call(app, "POST", "/v1/images?name=a.png", anna, **sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    other = call(app, "POST", "/v1/images", ben, **sent)
    assert other.status_code == 201
    assert other.get_json()["id"] != first.get_json()["id"]
    assert (count(sessions, Image), count(sessions, StoredObject)) == (2, 1)


def test_sent_again_it_is_asked_more_of(app: Flask, anna: Account) -> None:
    data = photo()
    first = upload(app, anna, data, "tasks=classify")
    again = upload(app, anna, data, "tasks=outline")
    assert again["id"] == first["id"]
    assert [row["task"] for row in again["predictions"]] == ["outline"]
    shown = call(app, "GET", f"/v1/images/{first['id']}", anna).get_json()
    assert [row["task"] for row in shown["predictions"]] == ["classify", "outline"]


def test_a_visibility_that_is_said_with_it_is_applied(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    data = photo()
    upload(app, anna, data, "tasks=classify")
    assert upload(app, anna, data, "visibility=public")["visibility"] == "public"
    assert upload(app, anna, data)["visibility"] == "public", "nothing said, nothing changed"
    asked = upload(app, anna, data, "visibility=unlisted&tasks=classify")
    assert asked["visibility"] == "unlisted"
    ids = [row["id"] for row in asked["predictions"]]
    assert [status(app, "GET", f"/v1/predictions/{id}", None) for id in ids] == [200]
    upload(app, anna, data, "visibility=private")
    assert [status(app, "GET", f"/v1/predictions/{id}", None) for id in ids] == [404]


def test_a_key_is_that_of_the_image_that_was_there(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    data = photo()
    first = upload(app, anna, data)
    key = {"Idempotency-Key": "again"}
    sent = {"data": data, "content_type": "image/png", "headers": key}
    answers = [call(app, "POST", "/v1/images?tasks=classify", anna, **sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert answers[0].get_json() == answers[1].get_json()
    kept = read(sessions, lambda session: session.scalars(select(IdempotencyKey.image_id)).one())
    assert str(kept) == first["id"]
    assert len(owners(sessions, Prediction)) == 1


def test_callers_do_not_meet_each_others_keys(app: Flask, anna: Account, ben: Account) -> None:
    data, key = photo(), {"Idempotency-Key": "one"}
    ids = {upload(app, who, data, **key)["id"] for who in (anna, ben, None)}
    assert len(ids) == 3


def test_of_many_uploads_at_once_one_makes_the_row(
    app: Flask, sessions: Sessions, anna: Account
) -> None:
    data = photo()
    sent = {"data": data, "content_type": "image/png"}

    def send(_number: int) -> Any:
        return call(app, "POST", "/v1/images?tasks=classify", anna, **sent)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert (count(sessions, Image), count(sessions, StoredObject)) == (1, 1)
    assert len(owners(sessions, Prediction)) == 8


def test_nobody_pays_for_owners_but_owners(app: Flask) -> None:
    image = upload(app, None)["id"]
    with statements(app) as sent:
        row = ask(app, None, image)
    assert not [each for each in sent if "FROM images" in each and "SHARE" in each.upper()]
    with statements(app) as sent:
        assert call(app, "GET", f"/v1/predictions/{row['id']}?wait=0", None).status_code == 200
    by_id = [each for each in sent if re.search(r"predictions\.id = \S+$", each)]
    assert len(by_id) == 1, "and its queue is looked at"
    assert not [each for each in sent if "FROM images" in each]
    with statements(app) as sent:
        upload(app, None)
    inserted = [each for each in sent if each.startswith("INSERT")]
    assert len(inserted) == 2, "the object and the image"
    assert len([each for each in sent if "FROM images" in each]) == 1, "it is shown"
