"""Claim, finish, retry, fail: the states and guards of docs/architecture.md, on every database."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from common.database.ids import new_id
from common.database.session import Sessions, now, transact
from common.predictions import Claims, Failure, Retry, claim, mark_announced, reopen
from common.predictions.constants import MOST_FAILURES, MOST_LOST_CLAIMS
from common.tables import State
from tests.support.rows.prediction_steps import (
    ME,
    MODEL,
    TWIN,
    beat,
    rewrite,
    row,
    success,
    sweep_ids,
    take,
    write,
)


def test_a_batch_is_claimed_finished_and_read_back(sessions: Sessions, ask: Any) -> None:
    ids = ask(5)
    claims = take(sessions, ids)
    assert [job.id for job in claims.fresh] == ids
    assert {row(sessions, id).state for id in ids} == {State.PROCESSING}
    assert write(sessions, *map(success, claims.fresh)) == ids
    for id in ids:
        done = row(sessions, id)
        assert (done.state, done.result) == (State.SUCCEEDED, {"labels": ["é😀"], "id": str(id)})
        assert (done.model, done.timings, done.attempts) == (MODEL, {"predict": 0.25}, 1)
        assert done.check_at is None and done.lease_owner is None
        assert done.started_at and done.finished_at
        assert done.created_at <= done.started_at <= done.finished_at


def test_a_final_row_is_dropped_whatever_comes_again(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    [job] = take(sessions, [id]).fresh
    write(sessions, success(job))
    for redelivered in (False, True):
        claims = take(sessions, [id], redelivered=redelivered)
        assert (claims.drop, claims.jobs) == ([id], [])
    assert write(sessions, Failure(job, "late", "late")) == []
    assert row(sessions, id).state == State.SUCCEEDED


def test_an_unknown_id_is_told_apart(sessions: Sessions, ask: Any) -> None:
    [id], stranger = ask(), new_id()
    claims = take(sessions, [id, stranger])
    assert (claims.unknown, len(claims.fresh)) == ([stranger], 1)


def test_a_held_row_is_dropped_until_its_lease_ends(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    take(sessions, [id], owner=TWIN)
    assert take(sessions, [id]).drop == [id]
    rewrite(sessions, [id], lease_until=now(-1))
    [job] = take(sessions, [id]).alone
    assert (job.attempt, row(sessions, id).lost_claims) == (2, 1)


def test_a_redelivered_row_of_a_dead_engine_is_taken_over_at_once(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    beat(sessions, TWIN, ago=10)
    take(sessions, [id], owner=TWIN)
    claims = take(sessions, [id], redelivered=True)
    assert [job.id for job in claims.alone] == [id], "claimed before: it runs alone"


def test_a_redelivered_row_of_a_live_engine_is_left_to_it(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    beat(sessions, TWIN)
    take(sessions, [id], owner=TWIN)
    claims = take(sessions, [id], redelivered=True)
    assert (claims.later, claims.jobs, row(sessions, id).attempts) == ([id], [], 1)


def test_a_result_of_a_lost_claim_is_dropped(sessions: Sessions, ask: Any) -> None:
    mine, other = ask(2)
    old = {job.id: job for job in take(sessions, [mine, other], owner=TWIN).fresh}
    rewrite(sessions, [mine], lease_until=now(-1))
    [new] = take(sessions, [mine]).alone
    assert write(sessions, success(old[mine]), success(old[other])) == [other]
    assert row(sessions, mine).state == State.PROCESSING
    assert write(sessions, success(new)) == [mine]


def test_a_row_whose_claimers_keep_vanishing_is_poison(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    for _ in range(MOST_LOST_CLAIMS):
        assert take(sessions, [id]).jobs
        rewrite(sessions, [id], lease_until=now(-1))
    claims = take(sessions, [id])
    assert (claims.poison, claims.jobs) == ([id], [])
    done = row(sessions, id)
    assert (done.state, done.error_code) == (State.FAILED, "poison")
    assert (done.attempts, done.lost_claims) == (MOST_LOST_CLAIMS, MOST_LOST_CLAIMS)


def test_a_claim_that_was_lost_in_company_says_nothing_about_its_input(
    sessions: Sessions, ask: Any
) -> None:
    ids = ask(3)
    for _ in range(2 * MOST_LOST_CLAIMS):
        take_together(sessions, ids)
        rewrite(sessions, ids, lease_until=now(-1), attempts=0)
    assert {row(sessions, id).lost_claims for id in ids} == {0}
    assert len(take(sessions, ids[:1]).jobs) == 1, "it is not poison"
    rewrite(sessions, ids[:1], lease_until=now(-1))
    assert len(take(sessions, ids[:1]).jobs) == 1
    assert row(sessions, ids[0]).lost_claims == 1, "this one ran alone"


def take_together(sessions: Sessions, ids: list[UUID]) -> Claims:
    return transact(sessions, lambda session: claim(session, ME, dict.fromkeys(ids, False)))


def test_a_restart_of_the_only_process_says_nothing_about_its_inputs(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    for _ in range(2 * MOST_LOST_CLAIMS):
        assert len(take(sessions, [id]).jobs) == 1
        transact(sessions, reopen)
    assert row(sessions, id).lost_claims == 0


def test_a_crash_of_the_only_process_counts_for_what_it_ran_alone(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    for _ in range(MOST_LOST_CLAIMS):
        assert len(take(sessions, [id]).jobs) == 1
        transact(sessions, lambda session: reopen(session, crashed=True))
    assert take(sessions, [id]).poison == [id]


def test_a_claim_that_its_live_owner_lost_does_not_count(sessions: Sessions, ask: Any) -> None:
    """Its lease ended because it was cut off from the database, not because it ended."""
    [id] = ask()
    take(sessions, [id], owner=TWIN)
    beat(sessions, TWIN)
    rewrite(sessions, [id], lease_until=now(-1))
    assert len(take(sessions, [id]).jobs) == 1
    assert row(sessions, id).lost_claims == 0


def test_a_claim_whose_commit_was_not_answered_is_recognised(sessions: Sessions, ask: Any) -> None:
    ids = ask(3)
    deliveries = dict.fromkeys(ids, False)
    first = take_together(sessions, ids[:2])
    attempts = {job.id: job.attempt for job in first.jobs} | {ids[2]: 1}

    def again(session: Session, owner: UUID = ME) -> Claims:
        return claim(session, owner, deliveries, unconfirmed=attempts)

    stranger = transact(sessions, lambda session: claim(session, TWIN, deliveries))
    assert stranger.drop == ids[:2]
    write(sessions, *map(success, stranger.jobs))
    claims = transact(sessions, again)
    assert [(job.id, job.attempt) for job in claims.confirmed] == [(id, 1) for id in ids[:2]]
    assert claims.drop == ids[2:], "that one was rolled back, and done by another"
    assert write(sessions, *map(success, claims.jobs)) == ids[:2]
    assert transact(sessions, again).drop == ids


def test_the_inputs_fault_is_final(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    [job] = take(sessions, [id]).fresh
    assert write(sessions, Failure(job, "image_undecodable", "No.")) == [id]
    done = row(sessions, id)
    assert (done.state, done.error_code, done.failures) == (State.FAILED, "image_undecodable", 0)


def test_a_retry_waits_its_time_and_the_fifth_failure_is_final(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask()
    for failures in range(1, MOST_FAILURES + 1):
        [job] = take(sessions, [id]).jobs
        final = write(sessions, Retry(job, "storage_unavailable", "Away."))
        assert final == ([id] if failures == MOST_FAILURES else [])
        if not final:
            assert take(sessions, [id]).drop == [id], "not due yet"
            assert sweep_ids(sessions) == []
            rewrite(sessions, [id], next_attempt_at=now(-1), check_at=now(-1))
            assert sweep_ids(sessions) == [id]
    assert (row(sessions, id).state, row(sessions, id).failures) == (State.FAILED, MOST_FAILURES)


def test_announcing_does_not_touch_what_was_claimed_meanwhile(sessions: Sessions, ask: Any) -> None:
    [id] = ask(announced=False)
    take(sessions, [id])
    transact(sessions, lambda session: mark_announced(session, [id]))
    claimed = row(sessions, id)
    assert (claimed.state, claimed.announced_at) == (State.PROCESSING, None)


def test_the_clock_is_the_databases_and_in_utc(sessions: Sessions) -> None:
    first, second = transact(
        sessions, lambda session: session.execute(select(now(), now(-90))).one()
    )
    assert first.utcoffset() == timedelta(0)
    assert timedelta(seconds=89.9) < first - second < timedelta(seconds=90.1)
