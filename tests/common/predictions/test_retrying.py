"""What becomes of a prediction that is to be tried again: when, how often, and who says so."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from common.database.session import Sessions, now, read, transact
from common.predictions import Retry, mark_announced
from common.predictions.constants import MOST_FAILURES
from common.tables import State
from tests.support.rows.prediction_steps import rewrite, row, sweep_ids, take, write

TaskRequest = Callable[..., list[UUID]]


def test_a_retry_waits_as_long_as_it_was_told(sessions: Sessions, ask: TaskRequest) -> None:
    ids = ask(2)
    told, plain = take(sessions, ids).jobs
    write(sessions, Retry(told, "busy", "Later.", delay=500.0), Retry(plain, "busy", "Later."))
    at = read(sessions, lambda session: session.scalar(now()))
    assert at is not None
    waits = {}
    for job in (told, plain):
        due = row(sessions, job.id).next_attempt_at
        assert due is not None
        waits[job.id] = (due - at).total_seconds()
    assert 490 < waits[told.id] < 505
    assert waits[plain.id] < 5


def test_what_was_not_tried_does_not_count(sessions: Sessions, ask: TaskRequest) -> None:
    [id] = ask(1)
    for _ in range(MOST_FAILURES + 1):
        rewrite(sessions, [id], next_attempt_at=None)
        [job] = take(sessions, [id]).jobs
        assert write(sessions, Retry(job, "busy", "Later.", counts=False)) == []
    found = row(sessions, id)
    assert (found.state, found.failures) == (State.QUEUED, 0)


def test_a_late_mark_of_the_first_announcement_does_not_put_off_the_retry(
    sessions: Sessions, ask: TaskRequest
) -> None:
    [id] = ask(1, announced=False)

    def mark(session: Session) -> None:
        mark_announced(session, [id])

    # It failed at once; the announcer marks what it published before only now.
    [job] = take(sessions, [id]).jobs
    write(sessions, Retry(job, "busy", "Later."))
    transact(sessions, mark)
    found = row(sessions, id)
    assert (found.announced_at, found.check_at) == (None, found.next_attempt_at)
    rewrite(sessions, [id], next_attempt_at=now(), check_at=now())
    assert sweep_ids(sessions) == [id]
    transact(sessions, mark)
    assert row(sessions, id).announced_at is not None
