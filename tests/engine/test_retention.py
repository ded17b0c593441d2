"""A day's worth of requests of all kinds, and what is left of their rows when time has passed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from sqlalchemy import func, insert, select, text

from common.broker import open_broker
from common.database.ids import new_id
from common.database.session import Sessions, now, read, transact
from common.housekeeping import holdings
from common.housekeeping.retention import (
    PIECE,
    RULES,
    SEARCHES,
    WITH_FEEDBACK,
    keep_search,
    old_predictions,
    remove_some,
)
from common.search.feedback import Opinion, read_adjustments, record
from common.search.feedback.record import KEPT_DAYS
from common.services import Services
from common.settings import Settings
from common.storage import open_storage
from common.tables import (
    Base,
    Batch,
    BatchItem,
    Counter,
    Prediction,
    State,
    WebhookDelivery,
)
from engine.garbage import begin, forget, measure_drift
from tests.support.rows.aging import VOTER, a_day, age, an_image, counts, enter, prediction

pytestmark = pytest.mark.slow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def services(sessions: Sessions, tmp_path: Path) -> Iterator[Services]:
    broker = open_broker("memory://")
    storage = open_storage(f"file://{tmp_path}/objects")
    yield Services(Settings.from_env({"DATA_DIR": str(tmp_path)}), sessions, storage, broker)
    broker.close()


def test_every_table_has_a_rule() -> None:
    assert holdings.rules().keys() == Base.metadata.tables.keys()


def test_what_requests_leave_behind_goes_and_what_users_made_stays(services: Services) -> None:
    image = an_image(services.sessions)
    before = counts(services.sessions)
    a_day(services.sessions, image)
    grown = {name for name, rows in counts(services.sessions).items() if rows > before[name]}
    assert len(grown) == 16, grown
    forget(services)
    for name in grown - {"objects"}:
        assert counts(services.sessions)[name] > before[name], f"{name} is young"
    age(services.sessions, timedelta(days=KEPT_DAYS + 40))
    forget(services)
    measure_drift(services)
    assert counts(services.sessions) == before
    assert forget(services) == 0


def test_rows_go_in_their_turn(services: Services) -> None:
    image = an_image(services.sessions)
    before = counts(services.sessions)
    a_day(services.sessions, image)
    expected = (
        (2 * HOUR, {"counters", "objects"}),
        (DAY, {"idempotency_keys", "engines", "predictions"}),
        (31 * DAY, {"batches", "batch_items", "webhook_deliveries", "logins"}),
        (60 * DAY, {"clicks", "search_days"}),
    )
    for later, gone in expected:
        age(services.sessions, later)
        forget(services)
        left = counts(services.sessions)
        assert {name for name in gone if left[name] > before[name]} == set(), later
    assert left["votes"] == 1


def test_a_search_that_is_used_stays(services: Services) -> None:
    read_again, voted, unused = (prediction("search") for _ in range(3))
    enter(services.sessions, Prediction, read_again, voted, unused)
    age(services.sessions, DAY - HOUR)
    for row, seconds in ((read_again, SEARCHES), (voted, WITH_FEEDBACK)):
        transact(services.sessions, lambda s, i=row["id"], n=seconds: keep_search(s, i, n))  # type: ignore[misc]
    for later, there in ((2 * HOUR, {read_again["id"], voted["id"]}), (DAY, {voted["id"]})):
        age(services.sessions, later)
        forget(services)
        ids = read(services.sessions, lambda s: set(s.scalars(select(Prediction.id))))
        assert ids == there
    age(services.sessions, 90 * DAY)
    assert forget(services) == 1


def test_what_is_unfinished_or_owed_stays(services: Services) -> None:
    waiting = prediction("search", State.QUEUED, started_at=None)
    working = prediction("search", State.PROCESSING)
    owing = prediction("search")
    enter(services.sessions, Prediction, waiting, working, owing)
    enter(services.sessions, WebhookDelivery,
          {"prediction_id": owing["id"], "url": "http://x/", "next_attempt_at": now()})  # fmt: skip
    enter(services.sessions, Batch, batch := {"id": new_id(), "total": 1})
    enter(services.sessions, BatchItem,
          {"batch_id": batch["id"], "position": 0, "prediction_id": waiting["id"]})  # fmt: skip
    before = counts(services.sessions)
    age(services.sessions, 100 * DAY)
    assert forget(services) == 0
    assert counts(services.sessions) == before


def test_an_expired_vote_is_unlearnt(services: Services) -> None:
    image = an_image(services.sessions)
    sessions = services.sessions
    for query, voter in (("cat", VOTER), ("red cat", VOTER), ("cat", b"o" * 32)):
        opinion = Opinion(query=query, image_id=image, value=1)
        transact(sessions, lambda s, v=voter, o=opinion: record(s, v, [o]))  # type: ignore[misc]
    age(sessions, timedelta(days=KEPT_DAYS - 5))
    transact(sessions, lambda s: record(s, b"o" * 32, [Opinion(query="cat", image_id=image, value=1)]))  # fmt: skip  # noqa: E501
    alone = read(sessions, lambda s: read_adjustments(s, "cat")).boosts
    age(sessions, 10 * DAY)
    forget(services)
    assert counts(sessions)["votes"] == 1
    left = read(sessions, lambda s: read_adjustments(s, "cat")).boosts
    assert 0 < left[image] < alone[image]
    age(sessions, timedelta(days=KEPT_DAYS))
    forget(services)
    assert (counts(sessions)["votes"], counts(sessions)["lessons"]) == (0, 0)


def test_removed_rows_are_counted_from_zero(services: Services) -> None:
    begin(services.metrics)
    shown = generate_latest(services.metrics.registry).decode()
    for rows in (*(rule.table.__tablename__ for rule in RULES), "predictions: search", "votes"):
        assert f'afterimage_rows_removed_total{{rows="{rows}"}} 0.0' in shown
    enter(services.sessions, Prediction, prediction("search"))
    age(services.sessions, 2 * DAY)
    forget(services)
    shown = generate_latest(services.metrics.registry).decode()
    assert 'afterimage_rows_removed_total{rows="predictions: search"} 1.0' in shown


def test_many_rows_go_in_pieces(services: Services) -> None:
    rows = [{"name": n.to_bytes(32), "count": 1, "ends_at": now(-1)} for n in range(PIECE + 100)]
    transact(services.sessions, lambda s: [s.execute(insert(Counter).values(r)) for r in rows])
    [rule] = [rule for rule in RULES if rule.table is Counter]
    pieces = [transact(services.sessions, lambda s: remove_some(s, rule)) for _ in range(3)]
    assert pieces == [PIECE, 100, 0]


def test_ages_are_looked_up_by_an_index(services: Services) -> None:
    """SQLite says how it would find the rows; the others choose by how many there are."""
    if services.sessions.engine.dialect.name != "sqlite":
        pytest.skip("plans depend on the number of rows")
    small = {"engines", "chores"}
    statements = {
        rule.table.__tablename__: select(func.count()).select_from(rule.table).where(rule.condition)
        for rule in RULES
    }
    for task, conditions in old_predictions().items():
        for number, which in enumerate(conditions):
            statements[f"{task} {number}"] = (
                select(func.count()).select_from(Prediction).where(which)
            )
    for name, statement in statements.items():
        plan = _plan(services.sessions, statement)
        assert name in small or plan.startswith("SEARCH"), f"{name}: {plan}"


def _plan(sessions: Sessions, statement: Any) -> str:
    """The first step."""
    sql = str(statement.compile(sessions.engine, compile_kwargs={"literal_binds": True}))
    steps = read(sessions, lambda s: s.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all())
    return str(steps[0][3])
