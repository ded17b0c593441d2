"""Places in a queue and how fast it moves, measured from real rows, on every database."""

from typing import Any
from uuid import UUID

import pytest

from common.database.session import Sessions, now, read, transact
from common.predictions import Lane, ahead, cancel, measure, retry
from common.predictions.queue_stats import MOST_QUEUED, WINDOW
from common.tables import State
from tests.support.rows.prediction_steps import (
    one_after_another,
    rewrite,
    row,
    success,
    take,
    write,
)
from tests.support.rows.query_plans import plans


def look(sessions: Sessions, task: str = "classify", interactive: bool = False) -> Lane:
    return read(sessions, lambda session: measure(session, task, interactive))


def before(sessions: Sessions, id: UUID) -> int:
    shown = row(sessions, id)
    first = look(sessions).first
    return read(sessions, lambda session: ahead(session, shown, first))


def work_off(sessions: Sessions, ids: list[UUID], since: float, until: float) -> None:
    """Let the rows have come `since` seconds ago and been finished by `until` seconds ago."""
    write(sessions, *map(success, take(sessions, ids).jobs))
    rewrite(sessions, ids, created_at=now(-since), started_at=now(-until), finished_at=now(-until))


def test_nothing_is_known_of_a_lane_that_nobody_has_used(sessions: Sessions) -> None:
    lane = look(sessions)
    assert (lane.queued, lane.rate, lane.oldest, lane.waited) == (0, None, 0, 0)
    assert lane.seconds(1) is None
    assert lane.excess(0, 1) is None


def test_only_the_queued_rows_of_the_lane_count(sessions: Sessions, ask: Any) -> None:
    waiting, taken, canceled, expired, other, interactive = one_after_another(ask, 6)
    take(sessions, [taken])
    transact(sessions, lambda session: cancel(session, canceled))
    rewrite(sessions, [expired], state=State.EXPIRED, finished_at=now(), check_at=None)
    rewrite(sessions, [other], task="outline")
    rewrite(sessions, [interactive], interactive=True)
    rewrite(sessions, [waiting], created_at=now(-7))
    lane = look(sessions)
    assert lane.queued == 1
    assert 7 <= lane.oldest < 60
    assert look(sessions, interactive=True).queued == 1
    assert look(sessions, "outline").queued == 1


def test_places_are_counted_in_the_order_of_arrival(sessions: Sessions, ask: Any) -> None:
    ids = one_after_another(ask, 4)
    assert [before(sessions, id) for id in ids] == [0, 1, 2, 3]
    transact(sessions, lambda session: cancel(session, ids[1]))
    take(sessions, [ids[0]])
    assert [before(sessions, id) for id in ids[2:]] == [0, 1]


def test_who_was_retried_stands_at_the_end(sessions: Sessions, ask: Any) -> None:
    first, second, third = one_after_another(ask, 3)
    transact(sessions, lambda session: cancel(session, first))
    rewrite(sessions, [second, third], created_at=now(-1))
    transact(sessions, lambda session: retry(session, first, 900))
    assert [before(sessions, id) for id in (second, third, first)] == [0, 1, 2]
    assert look(sessions).queued == 3
    rewrite(sessions, [second, third], task="outline")
    rewrite(sessions, [first], created_at=now(-5000))
    assert look(sessions).oldest < 60, "it waits since it was retried"


def test_the_throughput_is_that_of_the_time_with_work(sessions: Sessions, ask: Any) -> None:
    work_off(sessions, ask(20), since=50, until=40)
    assert look(sessions).rate == pytest.approx(2, rel=0.1), "20 in ten seconds"
    work_off(sessions, ask(10), since=30, until=20)
    assert look(sessions).rate == pytest.approx(1.5, rel=0.1), "30 in twice ten seconds"
    rewrite(sessions, ask(1), created_at=now(-10))
    lane = look(sessions)
    assert lane.rate == pytest.approx(1, rel=0.2), "and in ten more nothing was done"
    assert lane.seconds(30) == pytest.approx(30, rel=0.2)
    assert lane.waited == pytest.approx(10, abs=1)


def test_old_claims_and_unfinished_ones_say_nothing(sessions: Sessions, ask: Any) -> None:
    work_off(sessions, ask(5), since=WINDOW + 20, until=WINDOW + 10)
    take(sessions, ask(5))
    assert look(sessions).rate is None


def test_a_promise_is_exceeded_by_what_is_measured() -> None:
    moving = Lane(queued=100, rate=4.0)
    assert moving.excess(100, 25) is None
    assert moving.excess(120, 25) == 5
    stalled = Lane(queued=1, oldest=9)
    assert (stalled.excess(1, 10), stalled.excess(1, 8)) == (None, 8)
    assert Lane(oldest=9).excess(0, 8) is None
    endless = Lane(queued=MOST_QUEUED, rate=1000.0, waited=70)
    assert endless.excess(MOST_QUEUED, 60) == 10, "more of them than were counted"


def test_what_came_after_an_empty_queue_was_measured_is_counted(
    sessions: Sessions, ask: Any
) -> None:
    first = look(sessions).first
    ids = one_after_another(ask, 2)
    shown = row(sessions, ids[1])
    assert read(sessions, lambda session: ahead(session, shown, first)) == 1


def test_only_the_rows_of_the_lane_are_read_and_they_need_no_sorting(
    sessions: Sessions, ask: Any
) -> None:
    ids = one_after_another(ask, 50)
    rewrite(sessions, ids[10:], state=State.EXPIRED, check_at=None)
    seen = plans(sessions, lambda: before(sessions, ids[3]))
    assert len(seen) == 3
    for plan in seen:
        assert "ix_predictions_lane" in plan
        assert "filesort" not in plan
