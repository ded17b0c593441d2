"""RETENTION_DAYS: what else obeys it, and how it is counted, logged and configured."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from common.database.session import Sessions, read
from common.errors import SettingsError
from common.housekeeping import holdings
from common.services import Services
from common.settings import Settings
from common.tables import Base
from engine.garbage import CHORES, forget
from engine.old_results import remove_images, remove_predictions
from tests.support.http.accounts import Account, sign_up
from tests.support.http.calls_in_process import status, upload
from tests.support.rows import feedback
from tests.support.rows.aging import age
from tests.support.rows.deletion import everything
from tests.support.rows.old_results import asked, classified, remaining, run, with_days
from tests.support.rows.past import days_ago
from tests.support.services.in_process import application

DAYS = 7


@pytest.fixture
def services(app: Flask) -> Services:
    return with_days(app.extensions["afterimage"].services, DAYS)


def test_searches_clicks_and_batches_are_not_kept_longer(
    sessions: Sessions, tmp_path: Path
) -> None:
    with application(sessions, tmp_path, RETENTION_DAYS=str(DAYS)) as app:
        anna = sign_up(app, "anna")
        image = upload(app, anna, query="visibility=public")["id"]
        search = feedback.searched(sessions, "a tabby", [UUID(image)], owner_id=anna.id)
        feedback.give(app, search, positive=[image], clicks=[image], headers=anna.headers)
        items = [{"task": "unknown", "image_id": image}]
        assert status(app, "POST", "/v1/batches", anna, json=items) == 202
        tables = ("clicks", "batches", "batch_items", "votes")
        for later, left in ((DAYS - 1, [1, 1, 1, 1]), (2, [0, 0, 0, 1])):
            age(sessions, timedelta(days=later))
            forget(app.extensions["afterimage"].services)
            rows = everything(sessions)
            assert [len(rows[table]) for table in tables] == left
            assert (str(search) in remaining(sessions)) is bool(left[0])


def test_removed_rows_are_counted_and_logged(
    app: Flask, services: Services, sessions: Sessions, anna: Account
) -> None:
    with days_ago(sessions, DAYS + 1):
        classified(app, sessions, None)
        asked(app, sessions, anna, classified(app, sessions, anna))

    def counted(rows: str) -> str:
        shown = generate_latest(services.metrics.registry).decode()
        name = f'afterimage_rows_removed_total{{rows="{rows}"}} '
        return next((each for each in shown.splitlines() if each.startswith(name)), "").split()[-1]

    with capture_logs() as logs:
        run(services)
    assert (counted("images"), counted("predictions")) == ("1.0", "2.0")
    lines = [(each["rows"], each["count"]) for each in logs if each["event"] == "rows removed"]
    assert lines == [("predictions", 1), ("images", 1), ("predictions", 1)]


def test_the_housekeeper_runs_both_jobs() -> None:
    assert {remove_images, remove_predictions} <= {chore.do for chore in CHORES}


@pytest.mark.parametrize(
    ("text", "days"), [("", None), ("off", None), ("1", 1), ("36_500", 36_500)]
)
def test_the_setting_is_a_number_of_days(text: str, days: int | None) -> None:
    assert Settings.from_env({"RETENTION_DAYS": text}).retention_days == days


@pytest.mark.parametrize("text", ["0", "-1", "30d", "36501", "1.5"])
def test_other_values_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="RETENTION_DAYS"):
        Settings.from_env({"RETENTION_DAYS": text})


def test_the_list_of_holdings_states_the_limit(sessions: Sessions) -> None:
    shown = read(sessions, lambda session: list(holdings.tables(session, DAYS)))
    rules = {each.table: each.rule for each in shown}
    assert rules.keys() == Base.metadata.tables.keys()
    limited = {"batches", "clicks", "images", "predictions", "search_days", "webhook_deliveries"}
    assert {table for table, rule in rules.items() if f"{DAYS} days" in rule} == {
        *limited,
        "chores",
    }
