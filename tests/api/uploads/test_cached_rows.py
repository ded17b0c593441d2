"""Results that are given again, row by row: the engine's steps are taken by the test."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, clock, read, transact
from common.predictions import Failure, Success, TaskRequest
from common.predictions.result_cache import FEW, CachedResult, cache_key, create_cached
from common.tables import EngineProcess, Image, Prediction, WebhookDelivery
from common.tasks import all_contracts
from tests.support.images.pictures import encode, picture
from tests.support.rows.prediction_steps import image as image
from tests.support.rows.prediction_steps import rewrite, row, take, write
from tests.support.services.in_process import app as app
from tests.support.services.in_process import send, statements

PREDICT = "/v1/predictions?task=classify"
ONE, OTHER = encode(picture(seed=1), "PNG"), encode(picture(seed=2), "PNG")
MODEL = {"name": "m", "version": "1", "sha256": "aa"}
NEWER = MODEL | {"version": "2", "sha256": "bb"}
RESULT = {"labels": [{"name": "é😀", "score": 0.1}]}
PARAMS = {"top_k": 5, "threshold": 0.05}


def report(sessions: Sessions, *models: dict[str, Any] | None) -> None:
    """An engine that serves classify with each of these models; None: it is not ready."""

    def work(session: Session) -> None:
        session.execute(delete(EngineProcess))
        for model in models:
            said = {"classify": {"ready": model is not None, "problem": None, "model": model}}
            session.execute(insert(EngineProcess).values(id=new_id(), name="e", report=said))

    transact(sessions, work)


def answered(app: Flask, sessions: Sessions, path: str = PREDICT, data: bytes = ONE) -> UUID:
    """A prediction that was asked for and made with MODEL."""
    id = UUID((send(app, path, data).json or {})["id"])
    [job] = take(sessions, [id]).fresh
    write(sessions, Success(job, RESULT, MODEL, {"predict": 0.25}))
    return id


def is_cached(app: Flask, path: str = PREDICT, data: bytes = ONE) -> bool:
    answer = send(app, path, data)
    said = answer.json
    assert said
    assert said["cached"] == (answer.status_code == 200) == (said["status"] == "succeeded")
    return bool(said["cached"])


def test_a_known_result_makes_a_row_that_nobody_has_to_look_after(
    app: Flask, sessions: Sessions
) -> None:
    report(sessions, MODEL)
    first = row(sessions, answered(app, sessions))
    said = send(app, PREDICT + "&wait=5&metadata={}", ONE).json
    assert said
    known = row(sessions, UUID(said["id"]))
    assert (known.result, known.model, known.cache_key) == (RESULT, MODEL, first.cache_key)
    assert (known.state, known.cached, known.attempts) == ("succeeded", True, 0)
    assert known.timings == known.caller_data == {}
    assert (known.check_at, known.announced_at, known.lease_owner) == (None, None, None)
    assert known.finished_at == known.started_at == known.created_at < known.deadline_at
    assert said["result"] == RESULT
    # A result that was given again may be given again.
    rewrite(sessions, [first.id], cache_key=None)
    assert is_cached(app)


def test_only_keys_of_repeated_bytes_are_indexed(app: Flask, sessions: Sessions) -> None:
    report(sessions, MODEL)
    first = answered(app, sessions)
    assert row(sessions, first).repeated_key is None
    again = row(sessions, UUID((send(app, PREDICT, ONE).json or {})["id"]))
    assert again.cached
    assert again.repeated_key == again.cache_key == row(sessions, first).cache_key
    other = row(sessions, answered(app, sessions, PREDICT + "&fresh=true"))
    assert other.repeated_key == again.cache_key


def test_a_result_is_found_among_many_images_with_the_same_bytes(
    app: Flask, sessions: Sessions
) -> None:
    report(sessions, MODEL)
    for _ in range(FEW + 1):
        assert send(app, "/v1/images", ONE).status_code == 201
    assert not is_cached(app)
    answered(app, sessions)
    assert is_cached(app)


@pytest.mark.parametrize(
    "models",
    [(), (NEWER,), (MODEL, NEWER), (NEWER, MODEL, MODEL), (None,), ({"name": "without a hash"},)],
    ids=str,
)
def test_without_the_very_same_model_nothing_is_given_again(
    app: Flask, sessions: Sessions, models: tuple[dict[str, Any] | None, ...]
) -> None:
    answered(app, sessions)
    report(sessions, *models)
    assert not is_cached(app)


@pytest.mark.parametrize("models", [(MODEL,), (MODEL, MODEL), (None, MODEL)], ids=str)
def test_with_the_same_model_everywhere_it_is(
    app: Flask, sessions: Sessions, models: tuple[dict[str, Any] | None, ...]
) -> None:
    answered(app, sessions)
    report(sessions, *models)
    assert is_cached(app)
    assert not is_cached(app, data=OTHER)
    assert not is_cached(app, PREDICT + '&params={"top_k":1}')
    assert not is_cached(app, PREDICT + "&fresh=true")


def test_what_failed_is_asked_again(app: Flask, sessions: Sessions) -> None:
    report(sessions, MODEL)
    [job] = take(sessions, [UUID((send(app, PREDICT, ONE).json or {})["id"])]).fresh
    write(sessions, Failure(job, "image_undecodable", "no image"))
    assert not is_cached(app)
    id = answered(app, sessions)
    assert is_cached(app)
    everything = update(Prediction).values(state="failed")
    transact(sessions, lambda session: session.execute(everything))
    assert row(sessions, id).cache_key is not None
    assert not is_cached(app), "whatever is written in a row that did not succeed"


def test_a_task_says_whether_its_results_may_be_given_again(
    app: Flask, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all_contracts()["classify"].cacheable
    report(sessions, MODEL)
    made = row(sessions, answered(app, sessions))
    assert made.cache_key == cache_key("classify", made.sha256, PARAMS, MODEL) is not None
    monkeypatch.setitem(
        all_contracts(), "classify", replace(all_contracts()["classify"], cacheable=False)
    )
    assert not is_cached(app)
    assert row(sessions, answered(app, sessions)).cache_key is None


def test_new_bytes_are_not_looked_for(app: Flask, sessions: Sessions) -> None:
    report(sessions, MODEL)
    with statements(app) as sent:
        assert send(app, PREDICT, ONE).status_code == 202
        looked = [each for each in sent if "cache_key = " in each or "engines" in each]
        assert not looked
        assert send(app, PREDICT, ONE).status_code == 202
    assert any("cache_key = " in each for each in sent), "known ones are"


def test_a_known_result_is_owed_to_its_webhook(sessions: Sessions, image: Image) -> None:
    task_requests = [
        TaskRequest(task="classify", params=PARAMS, deadline=60, webhook_url=url)
        for url in ("https://receiver.example/", None)
    ]
    found = [CachedResult(ask, b"k" * 32, RESULT, MODEL) for ask in task_requests]
    transact(sessions, lambda session: create_cached(session, image, found, clock(session)))
    owed = select(WebhookDelivery.prediction_id)
    assert read(sessions, lambda session: list(session.scalars(owed))) == [task_requests[0].id]


def test_the_key_depends_on_all_that_a_result_depends_on() -> None:
    about = ("classify", b"s" * 32, PARAMS, MODEL)
    same = ("classify", b"s" * 32, dict(reversed(PARAMS.items())), MODEL | {"name": "renamed"})
    assert cache_key(*about) == cache_key(*same) is not None
    others = [
        cache_key("classify", b"t" * 32, PARAMS, MODEL),
        cache_key("classify", b"s" * 32, PARAMS | {"top_k": 4}, MODEL),
        cache_key("classify", b"s" * 32, PARAMS, MODEL | {"version": "2"}),
        cache_key("classify", b"s" * 32, PARAMS, MODEL | {"sha256": "ab"}),
    ]
    assert len({cache_key(*about), *others}) == 5
    assert cache_key("classify", None, PARAMS, MODEL) is None
    assert cache_key("unknown", b"s" * 32, PARAMS, MODEL) is None
