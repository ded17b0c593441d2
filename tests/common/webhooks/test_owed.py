"""A webhook is owed in the transaction that ends its prediction: both, or neither."""

import subprocess
import sys
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from common.database.session import Sessions, now, transact
from common.predictions import Failure, Retry, finish, sweep
from common.predictions.cancel import cancel, retry
from common.predictions.completion import note_final
from common.predictions.constants import MOST_FAILURES, MOST_LOST_CLAIMS
from common.tables import State
from common.webhooks.deliveries import (
    Due,
    claim_due,
    note_delivered,
    note_failed,
    put_off,
    redeliver,
)
from common.webhooks.slots import Slots
from tests.support.checkout import CHECKOUT
from tests.support.rows.prediction_steps import rewrite, row, success, take, write
from tests.support.webhooks.receivers import deliver, delivery, finished, owed

URL = "https://hooks.example/a"


def wanting(sessions: Sessions, ask: Any) -> UUID:
    """A queued prediction with a webhook."""
    [id] = ask()
    rewrite(sessions, [id], webhook_url=URL)
    return UUID(str(id))


def succeed(sessions: Sessions, id: UUID) -> None:
    write(sessions, *map(success, take(sessions, [id]).jobs))


def fail(sessions: Sessions, id: UUID) -> None:
    [job] = take(sessions, [id]).jobs
    write(sessions, Failure(job, "image_undecodable", "No."))


def fail_for_the_last_time(sessions: Sessions, id: UUID) -> None:
    rewrite(sessions, [id], failures=MOST_FAILURES - 1)
    [job] = take(sessions, [id]).jobs
    write(sessions, Retry(job, "storage_unavailable", "Away."))


def poison(sessions: Sessions, id: UUID) -> None:
    take(sessions, [id])
    rewrite(sessions, [id], lost_claims=MOST_LOST_CLAIMS - 1, lease_until=now(-1))
    assert take(sessions, [id]).poison == [id]


def expire(sessions: Sessions, id: UUID) -> None:
    rewrite(sessions, [id], deadline_at=now(-1), check_at=now(-1))
    assert transact(sessions, sweep).expired == [id]


def cancel_in_the_queue(sessions: Sessions, id: UUID) -> None:
    assert transact(sessions, lambda session: cancel(session, id))


def cancel_while_processed(sessions: Sessions, id: UUID) -> None:
    [job] = take(sessions, [id]).jobs
    transact(sessions, lambda session: cancel(session, id))
    assert delivery(sessions, id) is None
    write(sessions, success(job))


ENDS = {
    succeed: State.SUCCEEDED,
    fail: State.FAILED,
    fail_for_the_last_time: State.FAILED,
    poison: State.FAILED,
    expire: State.EXPIRED,
    cancel_in_the_queue: State.CANCELED,
    cancel_while_processed: State.CANCELED,
}


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_whatever_ends_a_prediction_owes_its_webhook(
    sessions: Sessions, ask: Any, end: Any
) -> None:
    id = wanting(sessions, ask)
    [without] = ask()
    end(sessions, id)
    assert row(sessions, id).state == ENDS[end]
    found = owed(sessions, id)
    assert (found.url, found.state, found.attempts) == (URL, "pending", 0)
    assert found.next_attempt_at is not None
    assert (found.delivered_at, found.status_code, found.error) == (None, None, None)
    end(sessions, without)
    assert delivery(sessions, without) is None, "it wanted none"


def test_a_failure_that_is_tried_again_owes_nothing(sessions: Sessions, ask: Any) -> None:
    id = wanting(sessions, ask)
    [job] = take(sessions, [id]).jobs
    assert write(sessions, Retry(job, "storage_unavailable", "Away.")) == []
    assert delivery(sessions, id) is None


KILLED = """
import os, sys
from uuid import UUID
from common.database.session import open_database, transact
from common.predictions import Success, claim, finish
from common.webhooks.slots import Slots
from tests.support.rows.prediction_steps import ME, success
sessions, id = open_database(sys.argv[1]), UUID(sys.argv[2])
jobs = transact(sessions, lambda session: claim(session, ME, {id: False})).jobs
def work(session):
    assert finish(session, [success(job) for job in jobs]) == [id]
    session.flush()
    os._exit(137)
transact(sessions, work)
"""


@pytest.mark.slow
def test_killed_before_commit_neither_result_nor_delivery_is_there(
    sessions: Sessions, ask: Any
) -> None:
    id = wanting(sessions, ask)
    url = sessions.engine.url.render_as_string(hide_password=False)
    script = [sys.executable, "-c", KILLED, url, str(id)]
    assert subprocess.run(script, cwd=CHECKOUT, timeout=60, check=False).returncode == 137
    assert row(sessions, id).state == State.PROCESSING, "it was claimed, and not finished"
    assert delivery(sessions, id) is None
    rewrite(sessions, [id], lease_until=now(-1))
    succeed(sessions, id)
    assert (row(sessions, id).state, owed(sessions, id).state) == (State.SUCCEEDED, "pending")


def test_a_batch_without_webhooks_costs_no_statement_more(sessions: Sessions, ask: Any) -> None:
    jobs = take(sessions, ask(5)).jobs
    said: list[str] = []
    event.listen(sessions.engine, "before_cursor_execute", lambda *about: said.append(about[2]))
    write(sessions, *map(success, jobs))
    statements = [each for each in said if not each.startswith("BEGIN")]
    assert len(statements) == 2, "what is still mine, and the results"


def test_noting_twice_owes_once(sessions: Sessions, ask: Any) -> None:
    [id] = finished(sessions, ask, URL)
    deliver(sessions)
    transact(sessions, lambda session: note_final(session, [id]))
    assert owed(sessions, id).state == "delivered"


def test_a_retried_prediction_owes_again_when_it_ends_again(sessions: Sessions, ask: Any) -> None:
    id = wanting(sessions, ask)
    fail(sessions, id)
    first = owed(sessions, id)
    deliver(sessions)
    for _ in range(2):
        assert transact(sessions, lambda session: retry(session, id, 60))
        assert owed(sessions, id).state == "delivered"
        rewrite(sessions, [id], next_attempt_at=now(-1))
        fail(sessions, id)
        again = owed(sessions, id)
        assert (again.state, again.attempts, again.status_code) == ("pending", 0, None)
        assert again.created_at == first.created_at, "which tells a later life from the first"
        deliver(sessions)


def test_finish_still_tells_what_became_final(sessions: Sessions, ask: Any) -> None:
    id = wanting(sessions, ask)
    [job] = take(sessions, [id]).jobs
    assert transact(sessions, lambda session: finish(session, [success(job)])) == [id]


def test_a_late_attempt_of_a_former_life_marks_nothing(sessions: Sessions, ask: Any) -> None:
    """The attempt for "canceled" is slow; meanwhile the prediction is retried and ends."""
    id = wanting(sessions, ask)
    cancel_in_the_queue(sessions, id)
    [slow] = take_due(sessions)
    assert transact(sessions, lambda session: retry(session, id, 60))
    rewrite(sessions, [id], next_attempt_at=now(-1))
    succeed(sessions, id)
    [fresh] = take_due(sessions)
    assert (slow.attempt, fresh.attempt) == (1, 1), "each is the first of its schedule"
    assert not transact(sessions, partial(note_delivered, due=slow, status_code=204))
    assert transact(
        sessions,
        partial(note_failed, due=fresh, status_code=500, error="status 500", pause=5),
    )
    assert owed(sessions, id).state == "pending", "its own attempt failed: it is sent again"
    assert fresh.fence > slow.fence


@pytest.mark.parametrize("end", [note_delivered, note_failed])
def test_a_fencing_token_never_decreases(sessions: Sessions, ask: Any, end: Any) -> None:
    id = wanting(sessions, ask)
    succeed(sessions, id)
    tokens = []
    for _ in range(4):
        [due] = take_due(sessions)
        tokens.append(due.fence)
        transact(sessions, partial(put_off, due=due, pause=-1))
        [due] = take_due(sessions)
        tokens.append(due.fence)
        more: dict[str, Any] = {} if end is note_delivered else {"error": "x", "pause": None}
        assert transact(sessions, partial(end, due=due, status_code=200, **more))
        assert transact(sessions, lambda session: redeliver(session, id))
        assert owed(sessions, id).attempts == 0
    assert tokens == sorted(set(tokens))


def take_due(sessions: Sessions) -> list[Due]:
    slots = Slots(per_host=5, per_account=5, anonymous=5)
    return transact(sessions, partial(claim_due, limit=5, slots=slots, lease=30))
