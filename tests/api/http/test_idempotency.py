"""Idempotency-Key: sent again, a request gets the first one's answer and does nothing more."""

import base64
import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, update

from common.database.session import Sessions, now, transact
from common.housekeeping.garbage import KEYS_KEPT
from common.tables import IdempotencyKey, Image, Prediction
from tests.support.images.pictures import encode, picture
from tests.support.rows.prediction_steps import success, take, write
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count, send, statements
from tests.support.services.in_process import twin as twin

PREDICT = "/v1/predictions?task=classify"
UPLOAD = "/v1/images?tasks=classify"
INFERENCE = "/inference/image"
ONE, OTHER = encode(picture(seed=1), "PNG"), encode(picture(seed=2), "PNG")
THREADS, ROUNDS = 16, 50
REPLAYED = "Idempotent-Replayed"
TAKEN = (200, 201, 202)


def rewrite_keys(sessions: Sessions, **values: Any) -> None:
    transact(sessions, lambda session: session.execute(update(IdempotencyKey).values(values)))


def in_json(data: bytes) -> dict[str, Any]:
    content = {"name": "a.png", "data": base64.b64encode(data).decode()}
    return {"json": content, "data": None, "content_type": None}


def in_form(data: bytes, **fields: str) -> dict[str, Any]:
    """The test client draws a boundary for each form, as other clients do."""
    form = {"file": (io.BytesIO(data), "a.png"), **fields}
    return {"data": form, "content_type": "multipart/form-data"}


FORMS = {
    "raw": lambda data: {"data": data},
    "form": in_form,
    "json": in_json,
}


@pytest.mark.parametrize(
    ("path", "form"),
    [(path, form) for path in (UPLOAD, PREDICT) for form in FORMS] + [(INFERENCE, "json")],
)
def test_the_same_request_gets_the_same_answer_and_no_second_row(
    app: Flask, twin: Flask, sessions: Sessions, path: str, form: str
) -> None:
    first = send(app, path, key="key", **FORMS[form](ONE))
    assert first.status_code in TAKEN, first.text
    assert REPLAYED not in first.headers
    for again in (send(each, path, key="key", **FORMS[form](ONE)) for each in (app, twin)):
        assert again.headers[REPLAYED] == "true"
        assert (again.status_code, again.data) == (first.status_code, first.data)
        for name in ("Location", "Retry-After", "Content-Type"):
            assert again.headers.get(name) == first.headers.get(name)
    assert count(sessions, Image) == count(sessions, Prediction) == 1
    other = send(app, path, key="another key", **FORMS[form](ONE))
    assert REPLAYED not in other.headers
    assert count(sessions, Prediction) == 2


def test_what_is_asked_of_a_stored_image_is_replayed_too(app: Flask, sessions: Sessions) -> None:
    image = send(app, "/v1/images", ONE).json
    assert image
    content = {"task": "classify", "image_id": image["id"]}
    asked: dict[str, Any] = {"json": content, "content_type": None}
    first, again = (send(app, "/v1/predictions", None, "k", **asked) for _ in range(2))
    assert (first.status_code, again.data) == (202, first.data)
    assert count(sessions, Prediction) == 1


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (PREDICT, lambda: {"data": OTHER}),
        (PREDICT, lambda: {"content_type": "image/jpeg"}),
        (PREDICT, lambda: in_form(ONE)),
        (PREDICT + "&wait=1", dict),
        (PREDICT + "&metadata={}", dict),
        (UPLOAD, dict),
        (INFERENCE, lambda: in_json(ONE)),
    ],
)
def test_another_request_with_the_key_is_refused(
    app: Flask, sessions: Sessions, path: str, sent: Callable[[], dict[str, Any]]
) -> None:
    assert send(app, PREDICT, ONE, "key").status_code == 202
    refused = send(app, path, **{"data": ONE, "key": "key", **sent()})
    assert refused.status_code == 422
    assert refused.json
    assert refused.json["code"] == "idempotency_key_reused"
    assert count(sessions, Prediction) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b", "a\tb", "\x7f", "\x85"])
def test_a_key_that_is_none_is_refused(app: Flask, sessions: Sessions, key: str) -> None:
    given: dict[str, Any] = {"environ_overrides": {"HTTP_IDEMPOTENCY_KEY": key}}
    refused = send(app, PREDICT, ONE, **given)
    assert refused.status_code == 400
    assert refused.json
    assert refused.json["code"] == "idempotency_key_invalid"
    assert count(sessions, Prediction) == count(sessions, IdempotencyKey) == 0


@pytest.mark.parametrize("key", ["k", "x" * 255, "it's \"quoted\"; %00 '--", "é" * 255])
def test_any_other_key_will_do(app: Flask, sessions: Sessions, key: str) -> None:
    first, again = (send(app, PREDICT, ONE, key) for _ in range(2))
    assert (first.status_code, again.data) == (202, first.data)
    assert send(app, PREDICT, ONE, key[:-1] + "Z").data != first.data
    assert count(sessions, Prediction) == 2


def test_a_refusal_is_not_kept(app: Flask, sessions: Sessions) -> None:
    for _ in range(2):
        refused = send(app, PREDICT, ONE[:-20], "key")
        assert refused.status_code == 422
        assert refused.json
        assert refused.json["code"] == "image_truncated"
    assert send(app, PREDICT, ONE, "key").status_code == 202
    assert count(sessions, Prediction) == 1


def test_a_request_that_was_not_answered_is_answered_from_its_rows(
    app: Flask, sessions: Sessions
) -> None:
    """As after a crash between COMMIT and answer: the rows are there, the answer is not."""
    first = send(app, PREDICT, ONE, "key").json
    assert first
    rewrite_keys(sessions, answer=None)
    queued = send(app, PREDICT, ONE, "key")
    assert (queued.status_code, queued.headers[REPLAYED]) == (202, "true")
    assert queued.json
    assert (queued.json["id"], queued.json["image_id"]) == (first["id"], first["image_id"])
    finish(sessions, first["id"])
    assert send(app, PREDICT, ONE, "key").data == queued.data, "the answer that was given is kept"
    rewrite_keys(sessions, answer=None)
    done = send(app, PREDICT, ONE, "key")
    assert done.status_code == 200
    assert done.json
    assert (done.json["id"], done.json["status"]) == (first["id"], "succeeded")
    assert count(sessions, Prediction) == count(sessions, Image) == 1


@pytest.mark.parametrize(("path", "options"), [(UPLOAD, {}), (INFERENCE, in_json(ONE))])
def test_so_are_the_other_uploads(
    app: Flask, sessions: Sessions, path: str, options: dict[str, Any]
) -> None:
    first = send(app, path, **{"data": ONE, "key": "key", **options}).json
    rewrite_keys(sessions, answer=None)
    again = send(app, path, **{"data": ONE, "key": "key", **options}).json
    assert first
    assert again
    assert again.get("id") == first.get("id")
    assert again.get("uuid") == first.get("uuid")
    assert count(sessions, Prediction) == count(sessions, Image) == 1


def test_what_is_deleted_before_its_answer_was_kept_is_not_there(
    app: Flask, sessions: Sessions
) -> None:
    send(app, PREDICT, ONE, "key")
    rewrite_keys(sessions, answer=None)
    transact(sessions, lambda session: session.execute(delete(Prediction)))
    transact(sessions, lambda session: session.execute(delete(Image)))
    again = send(app, PREDICT, ONE, "key")
    assert again.status_code == 404
    assert again.json
    assert again.json["code"] == "image_not_found"


def finish(sessions: Sessions, id: str) -> None:
    [job] = take(sessions, [UUID(id)]).fresh
    write(sessions, success(job))


def test_after_a_day_a_key_is_unknown(app: Flask, sessions: Sessions) -> None:
    send(app, PREDICT, ONE, "key")
    rewrite_keys(sessions, created_at=now(-KEYS_KEPT + 60))
    assert send(app, PREDICT, OTHER, "key").status_code == 422
    rewrite_keys(sessions, created_at=now(-KEYS_KEPT - 1))
    later = send(app, PREDICT, OTHER, "key")
    assert later.status_code == 202
    assert REPLAYED not in later.headers
    assert send(app, PREDICT, OTHER, "key").data == later.data
    assert send(app, PREDICT, ONE, "key").status_code == 422
    assert (count(sessions, Prediction), count(sessions, IdempotencyKey)) == (2, 1)


def test_a_request_without_a_key_knows_nothing_of_keys(app: Flask) -> None:
    with statements(app) as sent:
        assert send(app, PREDICT, ONE).status_code == 202
    assert any("INSERT" in each and "predictions" in each for each in sent)
    assert not [each for each in sent if "idempotency_keys" in each]
