"""Deliveries as rows: claimed by turns, noted once, made again on request."""

from typing import Any

import pytest
from sqlalchemy import select, update

from common.database.session import Sessions, now, read, transact
from common.tables import WebhookDelivery
from common.webhooks import deliveries
from tests.support.webhooks.receivers import (
    LEASE,
    claimed,
    delivery,
    finished,
    make_due,
    owed,
    states,
)

URL = "https://hooks.example/a"


# ---- claimed


def test_a_claim_takes_what_is_due_and_leaves_it_alone_for_its_lease(
    sessions: Sessions, ask: Any
) -> None:
    [id] = finished(sessions, ask, URL)
    [due] = claimed(sessions)
    assert (due.prediction_id, due.url, due.attempt) == (id, URL, 1)
    assert claimed(sessions) == []
    until, moment = read(
        sessions,
        lambda session: session.execute(select(WebhookDelivery.next_attempt_at, now())).one(),
    )
    assert until is not None
    assert LEASE - 20 < (until - moment).total_seconds() <= LEASE
    make_due(sessions, [id])
    [again] = claimed(sessions)
    assert again.attempt == 2
    for note in (deliveries.note_delivered, deliveries.note_gone):
        assert not transact(sessions, lambda session, note=note: note(session, due, 200))  # type: ignore[misc]
    assert owed(sessions, id).state == "pending", "a late note of a lost attempt counts for nothing"


def test_the_claim_goes_round_the_hosts(sessions: Sessions, ask: Any) -> None:
    crowd = finished(sessions, ask, "https://crowd.example/x", 120)
    [lone] = finished(sessions, ask, "https://lone.example:8443/x")
    [other] = finished(sessions, ask, "http://other.example/x")
    make_due(sessions, crowd, ago=60)
    first = claimed(sessions, 4)
    assert {due.host for due in first} == {"crowd.example"}, "the window holds nothing else"
    assert len(first) == 2, "and no host gets more than two"
    next_ones = claimed(sessions, 4, **{"crowd.example": 2})
    assert {due.prediction_id for due in next_ones} == {lone, other}
    assert claimed(sessions, 4, **{"crowd.example": 2}) == []
    assert len(claimed(sessions, 4, **{"crowd.example": 1})) == 1
    assert len(claimed(sessions, 1)) == 1


def test_a_host_is_not_another_that_begins_or_looks_like_it(sessions: Sessions, ask: Any) -> None:
    urls = [
        "https://a.example/", "https://a.example.com/", "https://aa.example/",
        "https://b.example/?https://a.example/", "https://a_example/", "https://axexample/",
    ]  # fmt: skip
    for url in urls:
        finished(sessions, ask, url)
    hosts = {due.host for due in claimed(sessions, **{"a.example": 2, "a_example": 2})}
    assert hosts == {"a.example.com", "aa.example", "b.example", "axexample"}


# ---- noted


def test_a_host_that_is_gone_gets_nothing_more_at_that_url(sessions: Sessions, ask: Any) -> None:
    gone = finished(sessions, ask, URL, 3)
    [fine] = finished(sessions, ask, URL + "/b")
    [before] = finished(sessions, ask, None)
    due = next(due for due in claimed(sessions) if due.url == URL)
    assert transact(sessions, lambda session: deliveries.note_gone(session, due, 410))
    assert states(sessions, [*gone, fine]) == ["disabled"] * 3 + ["pending"]
    assert owed(sessions, due.prediction_id).status_code == 410
    assert delivery(sessions, before) is None


def test_the_last_failure_is_final(sessions: Sessions, ask: Any) -> None:
    [id] = finished(sessions, ask, URL)
    [due] = claimed(sessions)
    transact(sessions, lambda session: deliveries.note_failed(session, due, 500, "e" * 999, None))
    found = owed(sessions, id)
    assert (found.state, found.next_attempt_at, found.status_code) == ("failed", None, 500)
    assert claimed(sessions) == []


def test_what_was_put_off_was_no_attempt(sessions: Sessions, ask: Any) -> None:
    [id] = finished(sessions, ask, URL)
    [due] = claimed(sessions)
    assert transact(sessions, lambda session: deliveries.put_off(session, due, 60))
    assert owed(sessions, id).attempts == 0
    assert claimed(sessions) == []


@pytest.mark.parametrize("state", ["delivered", "failed", "disabled", "pending"])
def test_a_redelivery_is_due_now_whatever_came_before(
    sessions: Sessions, ask: Any, state: str
) -> None:
    [id] = finished(sessions, ask, URL)
    then = None if state != "pending" else now(3600)
    values = {"state": state, "attempts": 5, "next_attempt_at": then}
    rows = update(WebhookDelivery).values(values)
    transact(sessions, lambda session: session.execute(rows))
    for _ in range(2):
        assert transact(sessions, lambda session: deliveries.redeliver(session, id))
    [due] = claimed(sessions)
    assert due.attempt == (6 if state == "pending" else 1)


def test_what_was_never_owed_is_not_redelivered(sessions: Sessions, ask: Any) -> None:
    [id] = finished(sessions, ask, None)
    assert not transact(sessions, lambda session: deliveries.redeliver(session, id))
