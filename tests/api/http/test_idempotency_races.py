"""Requests with one Idempotency-Key at the same time, in one process and in several."""

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.http.idempotency import scope_of
from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.housekeeping.garbage import KEYS_KEPT
from common.tables import IdempotencyKey, Image, Prediction
from tests.support.images.pictures import encode, picture
from tests.support.services.in_process import app as app
from tests.support.services.in_process import count, send
from tests.support.services.in_process import twin as twin

pytestmark = pytest.mark.slow

PREDICT = "/v1/predictions?task=classify"
ONE = encode(picture(seed=1), "PNG")
THREADS, ROUNDS = 16, 50
REPLAYED = "Idempotent-Replayed"


def test_who_waits_again_waits_for_the_same_row(app: Flask, sessions: Sessions) -> None:
    waiting = PREDICT + "&wait=2"
    with ThreadPoolExecutor(1) as threads:
        first: Future[TestResponse] = threads.submit(send, app, waiting, ONE, "key")
        deadline = time.monotonic() + 30
        while not count(sessions, Prediction):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        again = send(app, waiting, ONE, "key")
        assert again.json
        said = first.result().json
        assert said
        assert said["id"] == again.json["id"]
        assert {first.result().status_code, again.status_code} == {202}
    assert count(sessions, Prediction) == 1


def test_while_the_first_is_being_stored_the_second_is_told_to_come_back(
    app: Flask, sessions: Sessions
) -> None:
    with sessions.write() as holder, ThreadPoolExecutor(2) as threads:
        holder.execute(hold("key"))
        both = {threads.submit(send, app, PREDICT, ONE, "key") for _ in range(2)}
        [second], [first] = wait(both, timeout=30, return_when=FIRST_COMPLETED)
        check_in_progress(second.result())
        holder.rollback()
        assert first.result(30).status_code == 202
    assert send(app, PREDICT, ONE, "key").data == first.result().data
    assert count(sessions, Prediction) == 1


# SQLite locks the whole database, and serves one process.
@pytest.mark.parametrize("sessions", ["served"], indirect=True)
def test_a_key_that_another_process_holds_for_long_is_in_progress(
    app: Flask, sessions: Sessions
) -> None:
    with sessions.write() as holder:
        holder.execute(hold("key"))
        check_in_progress(send(app, PREDICT, ONE, "key"))
        holder.rollback()
    assert send(app, PREDICT, ONE, "key").status_code == 202


def hold(name: str) -> Any:
    """What a transaction that takes the key begins with."""
    scope = scope_of(None, "127.0.0.1")  # the test client's address
    return insert(IdempotencyKey).values(
        scope=scope, name=name, request_hash=b"x" * 32, image_id=new_id(), prediction_ids=[]
    )


def check_in_progress(answer: TestResponse) -> None:
    assert answer.status_code == 409, answer.text
    assert answer.json
    assert answer.json["code"] == "idempotency_key_in_progress"
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("is_old", [False, True], ids=["new key", "old key"])
def test_many_at_once_with_one_key_make_one_row(
    app: Flask, twin: Flask, sessions: Sessions, is_old: bool
) -> None:
    """Half of them in each of two processes, as it were: there the database decides."""
    rounds = ROUNDS // 5 if is_old else ROUNDS
    statuses, replayed = set(), 0
    with ThreadPoolExecutor(THREADS) as threads:
        for number in range(rounds):
            if is_old:
                transact(sessions, partial(age, name=f"key {number}"))
            answers = at_once(threads, [app, twin], f"key {number}")
            statuses |= {answer.status_code for answer in answers}
            taken = [answer.json["id"] for answer in answers if answer.status_code == 202]  # type: ignore[index]
            replayed += sum(REPLAYED in answer.headers for answer in answers)
            assert len(set(taken)) == 1, statuses
            assert count(sessions, Prediction) == count(sessions, Image) == number + 1
    assert statuses <= {202, 409}, statuses
    assert replayed + len(statuses) > 1, "nobody came second"


def age(session: Session, name: str) -> None:
    session.execute(hold(name))
    old = update(IdempotencyKey).where(IdempotencyKey.name == name)
    session.execute(old.values(created_at=now(-KEYS_KEPT - 1)))


def at_once(threads: ThreadPoolExecutor, apps: list[Flask], key: str) -> list[TestResponse]:
    barrier = Barrier(THREADS)

    def one(number: int) -> TestResponse:
        barrier.wait(60)
        return send(apps[number % len(apps)], PREDICT, ONE, key)

    return list(threads.map(one, range(THREADS)))
