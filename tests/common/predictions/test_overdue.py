"""What the sweep finds: lost announcements, lapsed leases, deadlines, on every database."""

from datetime import timedelta
from typing import Any

from common.database.session import Sessions, now, transact
from common.predictions import reopen, sweep
from common.tables import State
from tests.support.rows.prediction_steps import (
    one_after_another,
    rewrite,
    row,
    success,
    sweep_ids,
    take,
    write,
)


def test_a_row_that_was_not_announced_is_announced_by_the_sweep(
    sessions: Sessions, ask: Any
) -> None:
    [id] = ask(announced=False)
    assert sweep_ids(sessions) == [], "its announcer may still be at it"
    rewrite(sessions, [id], check_at=now(-0.1))
    assert sweep_ids(sessions) == [id]
    assert sweep_ids(sessions) == [], "looked at again later"


def test_a_lapsed_lease_is_announced_by_the_sweep(sessions: Sessions, ask: Any) -> None:
    [id] = ask()
    take(sessions, [id])
    assert sweep_ids(sessions) == []
    rewrite(sessions, [id], lease_until=now(-1), check_at=now(-1))
    assert sweep_ids(sessions) == [id]


def test_a_long_queue_is_not_announced_again_but_a_lost_message_is(
    sessions: Sessions, ask: Any
) -> None:
    old, taken, young = one_after_another(ask, 3)
    take(sessions, [taken])
    rewrite(sessions, [old, taken, young], announced_at=now(-61))
    rewrite(sessions, [old, young], check_at=now(-1))
    assert sweep_ids(sessions) == [old], "overtaken; the other is only waiting its turn"


def test_with_nothing_claimed_for_a_minute_all_old_rows_are_announced_again(
    sessions: Sessions, ask: Any
) -> None:
    ids = ask(3)
    rewrite(sessions, ids, check_at=now(-1), announced_at=now(-61))
    assert sorted(sweep_ids(sessions)) == sorted(ids)


def test_what_was_announced_again_and_claimed_does_not_put_the_others_off(
    sessions: Sessions, ask: Any
) -> None:
    """After a wipe not all rows are due at one moment."""
    first, second = one_after_another(ask, 2)
    rewrite(sessions, [first], check_at=now(-1), announced_at=now(-61))
    rewrite(sessions, [second], announced_at=now(-60))
    assert sweep_ids(sessions) == [first]
    assert [job.id for job in take(sessions, [first]).fresh] == [first]
    rewrite(sessions, [second], check_at=now(-1))
    assert sweep_ids(sessions) == [second], "it was there before, and is still there"


def test_a_row_past_its_deadline_expires(sessions: Sessions, ask: Any) -> None:
    late, fine = ask(2, deadline=30)
    deadline = row(sessions, late)
    assert deadline.check_at is not None
    assert deadline.deadline_at - deadline.check_at < timedelta(seconds=1), "looked at in time"
    rewrite(sessions, [late], deadline_at=now(-1), check_at=now(-1))
    overdue = transact(sessions, sweep)
    assert (overdue.expired, overdue.announce) == ([late], [])
    assert row(sessions, late).state == State.EXPIRED
    assert row(sessions, fine).state == State.QUEUED
    assert take(sessions, [late]).drop == [late]


def test_a_restarted_process_takes_everything_unfinished_back(sessions: Sessions, ask: Any) -> None:
    queued, held, done = ask(3)
    jobs = {job.id: job for job in take(sessions, [held, done]).fresh}
    write(sessions, success(jobs[done]))
    assert transact(sessions, reopen) == 2
    assert sorted(sweep_ids(sessions)) == sorted([queued, held])
    claims = take(sessions, [queued, held])
    assert ([job.id for job in claims.fresh], claims.again) == ([queued], [held])
    assert [job.id for job in take(sessions, [held]).alone] == [held]
