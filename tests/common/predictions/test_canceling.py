"""Cancel and retry: what callers do to rows, whatever an engine does meanwhile."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.errors import Conflict
from common.predictions import Failure, Outcome, Retry, cancel, retry
from common.predictions.constants import MOST_FAILURES
from common.tables import State
from tests.support.rows.prediction_steps import TWIN, rewrite, row, success, sweep_ids, take, write

OUTCOMES = ["success", "failure", "retry", "last retry"]


def stop(sessions: Sessions, id: UUID) -> bool:
    return transact(sessions, lambda session: cancel(session, id))


def again(sessions: Sessions, id: UUID, deadline: float = 900) -> bool:
    return transact(sessions, lambda session: retry(session, id, deadline))


def test_a_queued_row_is_canceled_at_once(sessions: Sessions, ask: Any) -> None:
    [id, other] = ask(2)
    assert stop(sessions, id) is True
    done = row(sessions, id)
    assert (done.state, done.error_code, done.check_at) == (State.CANCELED, "canceled", None)
    assert done.finished_at
    assert done.finished_at >= done.created_at
    assert row(sessions, other).state == State.QUEUED
    assert take(sessions, [id]).drop == [id], "its message finds nothing to do"
    assert stop(sessions, id) is False
    assert row(sessions, id).finished_at == done.finished_at


def test_a_row_that_waits_for_its_next_attempt_is_canceled_at_once(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    [job] = take(sessions, [id]).fresh
    write(sessions, Retry(job, "storage_unavailable", "Away."))
    assert stop(sessions, id) is True
    assert (row(sessions, id).state, row(sessions, id).error_code) == (State.CANCELED, "canceled")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_is_processed_is_canceled_when_it_ends(
    sessions: Sessions, ask: Any, outcome: str
) -> None:
    [id, other] = ask(2)
    if outcome == "last retry":
        rewrite(sessions, [id], failures=MOST_FAILURES - 1)
    jobs = {job.id: job for job in take(sessions, [id, other]).jobs}
    assert stop(sessions, id) is False
    held = row(sessions, id)
    assert (held.state, held.cancel_requested) == (State.PROCESSING, True)
    assert held.error_code is None and held.finished_at is None and held.check_at is not None
    assert stop(sessions, id) is False, "asked again"
    found: dict[str, Outcome] = {
        "success": success(jobs[id]),
        "failure": Failure(jobs[id], "image_undecodable", "No."),
    }
    ended = found.get(outcome, Retry(jobs[id], "storage_unavailable", "Away."))
    assert sorted(write(sessions, ended, success(jobs[other]))) == sorted([id, other])
    done = row(sessions, id)
    assert (done.state, done.error_code, done.result) == (State.CANCELED, "canceled", None)
    assert done.lease_owner is None and done.check_at is None and done.finished_at
    assert row(sessions, other).state == State.SUCCEEDED, "its neighbour in the batch"


@pytest.mark.parametrize("state", ["succeeded", "failed", "expired"])
def test_a_final_row_is_not_canceled(sessions: Sessions, ask: Any, state: str) -> None:
    [id] = ask()
    rewrite(sessions, [id], state=state, error_code="x", finished_at=now(), check_at=None)
    before = row(sessions, id)
    assert stop(sessions, id) is False
    after = row(sessions, id)
    assert (after.state, after.error_code) == (state, "x")
    assert (after.finished_at, after.cancel_requested) == (before.finished_at, False)


def test_what_is_not_there_is_neither_canceled_nor_retried(sessions: Sessions, ask: Any) -> None:
    assert stop(sessions, new_id()) is False
    assert again(sessions, new_id()) is False


@pytest.mark.parametrize("state", ["failed", "canceled", "expired"])
def test_a_retried_row_is_as_good_as_new(sessions: Sessions, ask: Any, state: str) -> None:
    [id] = ask()
    take(sessions, [id])
    rewrite(
        sessions, [id], state=state, failures=5, lost_claims=2, error_code="x", error_detail="y",
        cancel_requested=True, interactive=True, finished_at=now(), check_at=None,
        deadline_at=now(-1000),
    )  # fmt: skip
    assert again(sessions, id, deadline=50) is True
    new = row(sessions, id)
    assert (new.state, new.attempts) == (State.QUEUED, 1), "attempts go on"
    assert (new.failures, new.lost_claims, new.error_code, new.error_detail) == (0, 0, None, None)
    assert (new.cancel_requested, new.interactive) == (False, False)
    assert (new.lease_owner, new.lease_until, new.finished_at, new.started_at) == (None,) * 4
    assert new.next_attempt_at is not None
    left = new.deadline_at - new.next_attempt_at
    assert timedelta(seconds=49.9) < left < timedelta(seconds=50.1)
    assert again(sessions, id) is False, "it is queued already"
    [job] = take(sessions, [id]).jobs
    assert job.attempt == 2
    assert again(sessions, id) is False, "it is being processed"
    assert write(sessions, success(job)) == [id]
    done = row(sessions, id)
    assert (done.state, done.error_code, done.failures) == (State.SUCCEEDED, None, 0)


def test_what_has_succeeded_is_not_retried(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    write(sessions, success(take(sessions, [id]).fresh[0]))
    with pytest.raises(Conflict) as refused:
        again(sessions, id)
    assert refused.value.code == "not_retryable"
    assert row(sessions, id).state == State.SUCCEEDED


def test_an_engine_that_comes_late_does_not_write_into_the_retried_row(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    [old] = take(sessions, [id], owner=TWIN).fresh
    rewrite(sessions, [id], state=State.EXPIRED, check_at=None, finished_at=now())
    again(sessions, id)
    assert write(sessions, success(old)) == [], "while it is queued"
    [new] = take(sessions, [id]).alone
    assert write(sessions, success(old)) == [], "while another has it"
    assert write(sessions, success(new)) == [id]


def test_a_retry_that_was_not_announced_is_announced_by_the_sweep(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    stop(sessions, id)
    again(sessions, id)
    assert row(sessions, id).announced_at is None
    assert sweep_ids(sessions) == [], "its announcer may still be at it"
    rewrite(sessions, [id], check_at=now(-0.1))
    assert sweep_ids(sessions) == [id]
