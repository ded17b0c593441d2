"""Cancel and retry over HTTP, on the served stack; only the last test here starts an engine."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import requests

from common.database.session import Sessions, now
from common.predictions import Failure
from common.tables import State
from tests.support.http.calls import finished, get
from tests.support.rows.prediction_steps import rewrite, row, success, write
from tests.support.services.idle_stack import ask, held, verb
from tests.support.services.idle_stack import idle as idle
from tests.support.services.idle_stack import sessions as sessions
from tests.support.services.served import Stack


def test_what_is_queued_is_canceled_at_once_and_stays_so(idle: Stack, sessions: Sessions) -> None:
    asked = ask(idle.base_url).json()
    assert asked["urls"]["cancel"] == f"{asked['urls']['get']}/cancel"
    canceled = requests.post(asked["urls"]["cancel"], timeout=30)
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert canceled.json()["error"]["code"] == "canceled"
    assert canceled.json()["finished_at"]
    assert (canceled.json()["urls"]["cancel"], canceled.json()["queue"]) == (None, None)
    assert "Retry-After" not in canceled.headers
    again = requests.post(asked["urls"]["cancel"], timeout=30)
    assert (again.status_code, again.json()) == (200, canceled.json())
    assert get(asked["urls"]["get"]).json() == canceled.json()


def test_who_waits_for_it_is_told(idle: Stack, sessions: Sessions) -> None:
    asked = ask(idle.base_url).json()
    with ThreadPoolExecutor() as threads:
        started = time.monotonic()
        waiter = threads.submit(get, asked["urls"]["get"], params={"wait": 30})
        time.sleep(0.5)
        assert not waiter.done()
        requests.post(asked["urls"]["cancel"], timeout=30)
        assert waiter.result().json()["status"] == "canceled"
    assert time.monotonic() - started < 20


def test_what_is_processed_is_canceled_when_its_engine_is_done(
    idle: Stack, sessions: Sessions
) -> None:
    id = ask(idle.base_url).json()["id"]
    job = held(sessions, id)
    for _ in range(2):
        noted = verb(idle.base_url, id, "cancel")
        assert (noted.status_code, noted.json()["status"]) == (202, "processing")
        assert noted.headers["Retry-After"] == "1"
        assert noted.json()["queue"] is None
    write(sessions, success(job))
    canceled = verb(idle.base_url, id, "cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert canceled.json()["result"] is None


def test_what_failed_is_done_again_under_the_same_id(idle: Stack, sessions: Sessions) -> None:
    id = ask(idle.base_url, deadline=3600).json()["id"]
    write(sessions, Failure(held(sessions, id), "image_undecodable", "No."))
    assert get(f"{idle.base_url}/v1/predictions/{id}").json()["status"] == "failed"
    for _ in range(2):
        queued = verb(idle.base_url, id, "retry")
        assert (queued.status_code, queued.json()["status"]) == (202, "queued")
        assert queued.headers["Location"] == f"/v1/predictions/{id}"
        assert int(queued.headers["Retry-After"]) >= 1
        shown = queued.json()
        assert (shown["id"], shown["error"], shown["finished_at"]) == (id, None, None)
        assert (shown["attempts"], shown["started_at"]) == (1, None)
    again = held(sessions, id)
    assert again.attempt == 2
    going_on = verb(idle.base_url, id, "retry")
    assert (going_on.status_code, going_on.json()["status"]) == (202, "processing")
    write(sessions, success(again))
    refused = verb(idle.base_url, id, "retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")
    assert refused.headers["Content-Type"] == "application/problem+json"
    unchanged = verb(idle.base_url, id, "cancel")
    assert (unchanged.status_code, unchanged.json()["status"]) == (200, "succeeded")


@pytest.mark.parametrize(
    ("query", "seconds"), [("", 900), ("?deadline=1", 1), ("?deadline=86400", 86400)]
)
def test_a_retry_has_a_deadline_of_its_own(
    idle: Stack, sessions: Sessions, query: str, seconds: float
) -> None:
    id = ask(idle.base_url, deadline=3600).json()["id"]
    verb(idle.base_url, id, "cancel")
    assert verb(idle.base_url, id, f"retry{query}").status_code == 202
    new = row(sessions, UUID(id))
    assert new.next_attempt_at is not None
    assert (new.deadline_at - new.next_attempt_at).total_seconds() == pytest.approx(seconds, abs=1)


def test_an_engine_does_what_was_retried_and_nothing_that_was_canceled(
    idle: Stack, sessions: Sessions
) -> None:
    canceled, again, expired = (ask(idle.base_url).json()["id"] for _ in range(3))
    for id in (canceled, again):
        assert verb(idle.base_url, id, "cancel").status_code == 200
    rewrite(sessions, [UUID(expired)], state=State.EXPIRED, finished_at=now(), check_at=None)
    for id in (again, expired):
        assert verb(idle.base_url, id, "retry").status_code == 202
    idle.start_engine()
    rows = finished(idle.base_url, [again, expired], seconds=60)
    assert {(each["status"], each["attempts"]) for each in rows.values()} == {("succeeded", 1)}
    left = get(f"{idle.base_url}/v1/predictions/{canceled}").json()
    assert (left["status"], left["attempts"]) == ("canceled", 0)
