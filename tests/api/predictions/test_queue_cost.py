"""What the places in the queue cost: nothing where it matters, and little elsewhere."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event

from api.predictions.queue_estimates import FRESH
from common.database.session import Sessions
from tests.support.images.pictures import encode, picture
from tests.support.rows.prediction_steps import success, take, write
from tests.support.services.in_process import application, send


@pytest.fixture
def app(sessions: Sessions, tmp_path: Path) -> Iterator[Flask]:
    with application(sessions, tmp_path) as found:
        yield found


@contextmanager
def measurements(app: Flask) -> Iterator[list[str]]:
    """The statements sent meanwhile that read more than single rows: those with a limit."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "LIMIT" in statement and "predictions" in statement:
            sent.append(statement)

    engine = app.extensions["afterimage"].services.sessions.read.kw["bind"]
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def ask(app: Flask, size: int) -> dict[str, Any]:
    image = encode(picture("RGB", (32 + size, 32)), "PNG")
    answer = send(app, "/v1/predictions?task=classify", image)
    assert answer.status_code == 202
    shown: dict[str, Any] = json.loads(answer.data)
    return shown


def test_a_lane_is_measured_once_a_second_however_many_ask(app: Flask) -> None:
    with measurements(app) as sent:
        started = time.monotonic()
        positions = [ask(app, number)["queue"]["position"] for number in range(10)]
        seconds = time.monotonic() - started
    assert positions == list(range(1, 11))
    assert 2 <= len(sent) <= 2 * (1 + seconds / FRESH), "one pair a second"


def test_a_finished_row_is_read_without_a_look_at_its_queue(app: Flask, sessions: Sessions) -> None:
    shown = ask(app, 0)
    path = f"/v1/predictions/{shown['id']}"
    with measurements(app) as sent:
        assert app.test_client().get(path).get_json()["queue"]["position"] == 1
        assert sent, "or this test sees nothing"
        write(sessions, *map(success, take(sessions, [UUID(shown["id"])]).jobs))
        sent.clear()
        time.sleep(FRESH)
        assert app.test_client().get(path).get_json()["status"] == "succeeded"
        assert sent == []
