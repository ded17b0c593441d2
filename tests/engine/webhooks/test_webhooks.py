"""Failing receivers (F12 of docs/fault-model.md): the schedule is kept, others are unaffected."""

import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from common.database.session import Sessions, clock, read
from engine.webhooks.deliverer import Deliverer
from engine.webhooks.schedule import STANDARD
from tests.support.checkout import CHECKOUT
from tests.support.http.calls import until
from tests.support.webhooks.delivery import PATIENCE, QUICK, SETTINGS, delivering, settled
from tests.support.webhooks.delivery import sink as sink
from tests.support.webhooks.receivers import (
    Behaviour,
    Sink,
    answer,
    drip,
    endless_body,
    finished,
    hang,
    make_due,
    nonsense,
    owed,
    reset,
    sinking,
    slowly,
    states,
)

pytestmark = pytest.mark.slow

# ---- the schedule


def test_the_published_schedule_is_kept(sessions: Sessions, ask: Any, sink: Sink) -> None:
    hour = 3600
    published = [0, 5, 300, 1800, 2 * hour, 5 * hour, 10 * hour, 10 * hour]
    assert list(STANDARD.pauses) == published
    sink.otherwise = {"/hook": answer(500)}
    [id] = finished(sessions, ask, sink.url)
    deliverer = Deliverer(sessions, SETTINGS, STANDARD)
    for attempt, pause in enumerate([*published[1:], None], 1):
        before = read(sessions, clock)
        assert deliverer.turn() == 1
        until(lambda: not deliverer.under_way(), PATIENCE, "the attempt to end")
        found = owed(sessions, id)
        assert (found.attempts, found.status_code) == (attempt, 500)
        assert found.error == "the receiver answered 500"
        if pause is None:
            assert (found.state, found.next_attempt_at) == ("failed", None)
        else:
            assert found.next_attempt_at is not None
            longest = (read(sessions, clock) - before).total_seconds() + 1.1 * pause
            assert pause <= (found.next_attempt_at - before).total_seconds() <= longest
            assert deliverer.turn() == 0, "not before its time"
            make_due(sessions, [id])
    assert sink.ids() == [str(id)] * 8, "with one id, by which receivers drop what they have seen"


def test_a_failing_receiver_is_tried_in_its_time_until_it_takes_it(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    with sinking() as elsewhere:
        moved = answer(301, Location=elsewhere.url)
        sink.script = [answer(500), answer(404), moved, reset]
        [id] = finished(sessions, ask, sink.url)
        with delivering(sessions):
            assert settled(sessions, [id]) == ["delivered"]
        assert elsewhere.got == [], "redirects are not followed"
    times = [each.at for each in sink.got]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == 5
    slack = 0.05  # the receiver notes the time after it has read the request
    assert all(is_ >= due - slack for is_, due in zip(pauses, QUICK.pauses[1:], strict=True))
    assert {each.id for each in sink.got} == {str(id)}
    assert len({each.body for each in sink.got}) == 1


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [(answer(500), 500, "the receiver answered 500"),
     (answer(301, Location="/"), 301, "the receiver answered 301"),
     (answer(304), 304, "the receiver answered 304"),
     (hang, None, "no answer in time"),
     (drip, None, "no answer in time"),
     (reset, None, "the connection broke"),
     (nonsense, None, "the answer is not HTTP")],
)  # fmt: skip
def test_what_is_not_a_2xx_is_a_failure(
    sessions: Sessions, ask: Any, sink: Sink, behaviour: Behaviour, status: int | None, error: str
) -> None:
    sink.otherwise = {"/hook": behaviour}
    [id] = finished(sessions, ask, sink.url)
    with delivering(sessions, replace(QUICK, pauses=(0,), whole=1)):
        assert settled(sessions, [id]) == ["failed"]
    found = owed(sessions, id)
    assert (found.attempts, found.status_code, found.error) == (1, status, error)


def test_a_huge_answer_is_not_read(sessions: Sessions, ask: Any, sink: Sink) -> None:
    sink.otherwise = {"/hook": endless_body}
    [id] = finished(sessions, ask, sink.url)
    with delivering(sessions, replace(QUICK, whole=30)):
        assert settled(sessions, [id]) == ["delivered"]
        until(lambda: not sink.at_once, PATIENCE, "the connection to be closed")
    assert len(sink.got) == 1
    assert sink.sent < 32 * 2**20, "what the sockets' buffers hold"


def test_gone_disables_the_url_and_only_that(sessions: Sessions, ask: Any, sink: Sink) -> None:
    sink.otherwise = {"/gone": answer(410)}
    gone = finished(sessions, ask, sink.url.replace("/hook", "/gone"), 10)
    fine = finished(sessions, ask, sink.url, 3)
    with delivering(sessions):
        assert settled(sessions, gone + fine) == ["disabled"] * 10 + ["delivered"] * 3
    assert len(sink.ids("/gone")) <= QUICK.per_host


# ---- other receivers are unaffected


def test_a_dead_receiver_starves_nobody(sessions: Sessions, ask: Any) -> None:
    with sinking("127.0.0.2") as dead, sinking() as alive, sinking("127.0.0.3") as slow:
        dead.otherwise = {"/hook": hang}
        slow.otherwise = {"/hook": slowly(0.3)}
        crowd = finished(sessions, ask, dead.url, 150)  # more than one look at the table holds
        make_due(sessions, crowd, ago=60)
        fine = finished(sessions, ask, alive.url, 8) + finished(sessions, ask, slow.url, 4)
        with delivering(sessions, replace(QUICK, whole=20)):
            started = time.monotonic()
            assert settled(sessions, fine) == ["delivered"] * 12
            rounds = (time.monotonic() - started) // 20 + 1
            assert len(dead.got) <= QUICK.per_host * rounds
            assert max(dead.most_at_once, slow.most_at_once) <= QUICK.per_host
            dead.released.set()
        assert states(sessions, crowd).count("delivered") == 0


def test_what_one_engine_sends_no_other_sends_too(sessions: Sessions, ask: Any, sink: Sink) -> None:
    sink.otherwise = {"/hook": slowly(0.02)}
    ids = finished(sessions, ask, sink.url, 60)
    with delivering(sessions, replace(QUICK, per_host=8, poll=0.01), engines=3):
        assert settled(sessions, ids) == ["delivered"] * 60
    assert sorted(sink.ids()) == sorted(map(str, ids)), "each of them once"
    assert {owed(sessions, id).attempts for id in ids} == {1}


ENGINE = """
import sys, time
from dataclasses import replace
from common.database.session import open_database
from engine.webhooks.deliverer import Deliverer
from tests.support.webhooks.delivery import QUICK, SETTINGS
Deliverer(open_database(sys.argv[1]), SETTINGS, replace(QUICK, whole=60)).start()
time.sleep(120)
"""


@pytest.mark.slow
def test_what_a_killed_engine_was_sending_is_sent_again_with_the_same_id(
    sessions: Sessions, ask: Any, sink: Sink
) -> None:
    sink.script = [hang]
    [id] = finished(sessions, ask, sink.url)
    url = sessions.engine.url.render_as_string(hide_password=False)
    with subprocess.Popen([sys.executable, "-c", ENGINE, url], cwd=CHECKOUT) as engine:
        try:
            until(lambda: sink.got, PATIENCE, "the first attempt")
        finally:
            engine.kill()
    with delivering(sessions):
        time.sleep(0.3)
        assert len(sink.got) == 1, "the lease of the dead holds"
        make_due(sessions, [id])
        assert settled(sessions, [id]) == ["delivered"]
    assert sink.ids() == [str(id)] * 2
    assert owed(sessions, id).attempts == 2


def test_stopping_takes_no_longer_than_its_grace(sessions: Sessions, ask: Any, sink: Sink) -> None:
    sink.otherwise = {"/hook": hang}
    [id] = finished(sessions, ask, sink.url)
    with delivering(sessions, replace(QUICK, whole=60, grace=0.2)) as deliverer:
        until(lambda: sink.got, PATIENCE, "the attempt")
        started = time.monotonic()
        deliverer.stop()
        assert time.monotonic() - started < 10
        sink.released.set()
        until(lambda: not deliverer.under_way(), PATIENCE, "the attempt to end")
    assert owed(sessions, id).attempts == 1
